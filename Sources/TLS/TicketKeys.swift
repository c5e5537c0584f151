internal import COpenSSL

/// What tickets are sealed with, by which clients resume a session: RFC 5077 §4. A node that has the keys of another takes
/// what that has given out.
///
/// Each secret is random and for one stretch of time, so what was recorded cannot be read with what is there later.
public struct TicketKeys: Sendable, Equatable {
    /// One key with its name.
    struct Key: Sendable, Equatable {
        let name: [UInt8]
        let cipher: [UInt8]
        let mac: [UInt8]
    }

    /// Bytes of a secret.
    public static let secretByteCount = 32

    /// The first seals; all open.
    let keys: [Key]

    /// Derives keys from secrets, of which the first seals.
    public init(secrets: [[UInt8]]) { keys = secrets.map { Self.key(from: $0) } }

    /// A secret that nobody has.
    public static func drawSecret() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<secretByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// 16 bytes of name, 32 for AES-256, 32 for the HMAC: NIST SP 800-108 in counter mode, with HMAC-SHA-512.
    private static func key(from secret: [UInt8]) -> Key {
        let bytes = block(1, of: secret) + block(2, of: secret)
        return Key(name: Array(bytes[..<16]), cipher: Array(bytes[16..<48]), mac: Array(bytes[48..<80]))
    }

    static func block(_ number: UInt8, of secret: [UInt8]) -> [UInt8] {
        let label = [number] + Array("perseid ticket".utf8)
        var digest = [UInt8](repeating: 0, count: 64)
        // It fails only where there is no memory left.
        guard HMAC(EVP_sha512(), secret, Int32(clamping: secret.count), label, label.count, &digest, nil) != nil else {
            fatalError("no memory for a digest")
        }
        return digest
    }

    // MARK: What OpenSSL asks

    /// Prepares the sealing of a ticket, or the opening of one with a name that is known. Returns what OpenSSL wants to hear: 1, or 2
    /// for a ticket to be given anew; 0 for one that is not known, -1 for a failure. Source: SSL_CTX_set_tlsext_ticket_key_cb(3).
    func prepare(
        isSealing: Bool,
        name: UnsafeMutablePointer<UInt8>,
        start: UnsafeMutablePointer<UInt8>,
        cipher: OpaquePointer,
        mac: OpaquePointer
    ) -> Int32 {
        guard isSealing else { return open(name, start, cipher, mac) }
        guard let key = keys.first, RAND_bytes(start, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 else {
            return -1
        }
        name.update(from: key.name, count: key.name.count)
        let isReady =
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, start) == 1
            && copenssl_set_ticket_mac(mac, key.mac, key.mac.count) == 1
        return isReady ? 1 : -1
    }

    private func open(
        _ name: UnsafeMutablePointer<UInt8>,
        _ start: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer,
        _ mac: OpaquePointer
    ) -> Int32 {
        let shown = UnsafeBufferPointer(start: name, count: 16)
        guard let place = keys.firstIndex(where: { $0.name.elementsEqual(shown) }) else { return 0 }
        let isReady =
            copenssl_set_ticket_mac(mac, keys[place].mac, keys[place].mac.count) == 1
            && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, keys[place].cipher, start) == 1
        return isReady ? (place == 0 ? 1 : 2) : -1
    }
}
