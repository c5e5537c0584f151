internal import COpenSSL

/// Digests that are no secret's: for who speaks TLS and has no other library for them.
package enum Digest {
    /// SHA-1, as the opening handshake of WebSocket has it. Source: RFC 6455 §4.2.2.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        _ = SHA1(bytes, bytes.count, &digest)
        return digest
    }
}
