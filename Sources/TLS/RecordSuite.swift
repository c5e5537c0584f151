internal import COpenSSL

/// What TLS 1.3 protects records with, RFC 8446 §B.4.
enum RecordSuite: UInt8, CaseIterable {
    case aes128
    case aes256
    case chaCha20

    /// The one with a number; the upper half of it says that OpenSSL means a suite.
    init?(_ number: UInt32) {
        switch number & 0xFFFF {
        case 0x1301: self = .aes128
        case 0x1302: self = .aes256
        case 0x1303: self = .chaCha20
        default: return nil
        }
    }

    /// Bytes of a key.
    var keyByteCount: Int { self == .aes128 ? 16 : 32 }

    /// Bytes of a secret, which is as long as the hash that keys are derived with.
    var secretByteCount: Int { self == .aes256 ? 48 : 32 }

    /// That hash, as OpenSSL has it.
    var digest: OpaquePointer? { self == .aes256 ? EVP_sha384() : EVP_sha256() }

    /// The cipher, as OpenSSL has it.
    var cipher: OpaquePointer? {
        switch self {
        case .aes128: EVP_aes_128_gcm()
        case .aes256: EVP_aes_256_gcm()
        case .chaCha20: EVP_chacha20_poly1305()
        }
    }
}
