internal import COpenSSL

/// What protects the records of one direction of a session of TLS 1.3: RFC 8446 §5.3, §7.2 and §7.3.
///
/// Thread: that of its session. Size: 112 bytes. Whoever has it wipes the memory that it was in.
struct RecordKey: ~Copyable {
    /// Records that one key is used for, at most; then comes the next. RFC 8446 §5.5 has 2^24.5 for AES-GCM.
    static let recordsMax: UInt64 = 1 << 24

    /// Bytes of what tells a record's cipher from that of all others.
    static let nonceByteCount = 12

    /// What it is for.
    let suite: RecordSuite

    /// The number of the record that is next, counted from the key's first. No number is used twice: that would give the key away.
    var number: UInt64

    private var secret: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
    private var key: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var start: (UInt32, UInt32, UInt32) = (0, 0, 0)

    /// Derives a key from a secret, which has as many bytes as its suite's hash.
    init(_ suite: RecordSuite, secret: [UInt8], number: UInt64 = 0) {
        precondition(secret.count == suite.secretByteCount, "a secret is as long as its hash")
        (self.suite, self.number) = (suite, number)
        withUnsafeMutableBytes(of: &self.secret) { $0.copyBytes(from: secret) }
        derive()
    }

    /// Goes on with the next one, RFC 8446 §7.2.
    mutating func update() {
        let next = expand("traffic upd", suite.secretByteCount)
        withUnsafeMutableBytes(of: &secret) { $0.copyBytes(from: next) }
        number = 0
        derive()
    }

    private mutating func derive() {
        let (key, start) = (expand("key", suite.keyByteCount), expand("iv", Self.nonceByteCount))
        withUnsafeMutableBytes(of: &self.key) { $0.copyBytes(from: key) }
        withUnsafeMutableBytes(of: &self.start) { $0.copyBytes(from: start) }
    }

    /// HKDF-Expand-Label without a context, RFC 8446 §7.1, of no more bytes than the hash has: RFC 5869 §2.3 then needs one HMAC.
    private borrowing func expand(_ label: String, _ count: Int) -> ArraySlice<UInt8> {
        let name = Array("tls13 \(label)".utf8)
        let text = [0, UInt8(count), UInt8(name.count)] + name + [0, 1]
        var digest = [UInt8](repeating: 0, count: suite.secretByteCount)
        var secret = secret
        let isDone = withUnsafeBytes(of: &secret) {
            HMAC(suite.digest, $0.baseAddress, Int32(digest.count), text, text.count, &digest, nil) != nil
        }
        // It fails only where there is no memory left.
        guard isDone else { fatalError("no memory for a digest") }
        return digest[..<count]
    }

    /// The key, and what numbers of records are mixed into.
    var material: (key: [UInt8], start: [UInt8]) {
        mutating get {
            let count = suite.keyByteCount
            return (withUnsafeBytes(of: &key) { Array($0[..<count]) }, withUnsafeBytes(of: &start) { Array($0) })
        }
    }

    /// Lends the key, and what the record with the next number is told from others by: RFC 8446 §5.3.
    mutating func lend<Outcome>(_ body: (_ key: UnsafePointer<UInt8>?, _ nonce: UnsafePointer<UInt8>?) -> Outcome)
        -> Outcome
    {
        var nonce = start
        withUnsafeMutableBytes(of: &nonce) { bytes in
            let place = Self.nonceByteCount - MemoryLayout<UInt64>.size
            let mixed = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) ^ number.bigEndian
            bytes.storeBytes(of: mixed, toByteOffset: place, as: UInt64.self)
        }
        return withUnsafeBytes(of: &key) { key in
            withUnsafeBytes(of: &nonce) { nonce in
                body(
                    key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    nonce.baseAddress?.assumingMemoryBound(to: UInt8.self)
                )
            }
        }
    }
}
