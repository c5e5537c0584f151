internal import COpenSSL

/// Seals and opens single records of TLS 1.3 with keys that are lent to it, so that no session needs a cipher of its own: OpenSSL's takes
/// 1,150 bytes for each direction, and to give it another key takes 0.2 µs.
///
/// Thread: that of its sessions. Size: 2,300 bytes.
final class RecordCipher {
    /// RFC 8446 §5.1 and §5.2: bytes of what a record says, of its head, and of what shows that nobody changed it.
    static let plainBytesMax = 16_384
    static let headByteCount = 5
    static let tagByteCount = 16

    /// Bytes that a record has beyond what it says: these, and its kind.
    static let overheadByteCount = headByteCount + 1 + tagByteCount

    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    init(_ suite: RecordSuite) {
        guard let sealing = EVP_CIPHER_CTX_new(), let opening = EVP_CIPHER_CTX_new(),
            EVP_EncryptInit_ex(sealing, suite.cipher, nil, nil, nil) == 1,
            EVP_DecryptInit_ex(opening, suite.cipher, nil, nil, nil) == 1
        else { fatalError("no memory for a cipher") }
        (self.sealing, self.opening) = (sealing, opening)
    }

    deinit {
        EVP_CIPHER_CTX_free(sealing)
        EVP_CIPHER_CTX_free(opening)
    }

    /// Seals one record; `room` has as many bytes as it will have. Says whether it could.
    func seal(_ plain: UnsafeRawBufferPointer, kind: UInt8, _ key: inout RecordKey, into room: UnsafeMutableRawPointer)
        -> Bool
    {
        let bytes = room.assumingMemoryBound(to: UInt8.self)
        let count = plain.count + 1 + Self.tagByteCount
        (bytes[0], bytes[1], bytes[2]) = (23, 3, 3)
        (bytes[3], bytes[4]) = (UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count))
        let body = bytes + Self.headByteCount
        var (kind, written): (UInt8, Int32) = (kind, 0)
        let isSealed = key.lend { secret, nonce in
            EVP_EncryptInit_ex(sealing, nil, nil, secret, nonce) == 1
                && EVP_EncryptUpdate(sealing, nil, &written, bytes, Int32(Self.headByteCount)) == 1
                && EVP_EncryptUpdate(sealing, body, &written, Self.start(of: plain), Int32(plain.count)) == 1
                && EVP_EncryptUpdate(sealing, body + plain.count, &written, &kind, 1) == 1
                && EVP_EncryptFinal_ex(sealing, body + plain.count + 1, &written) == 1
        }
        let tag = body + plain.count + 1
        guard isSealed,
            EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagByteCount), tag) == 1
        else { return false }
        key.number += 1
        return true
    }

    /// Opens one record, and returns how many bytes it has besides head and tag: what it says, its kind, and zeros. Nothing if it
    /// was changed, or sealed with another key. `room` has as many bytes as that.
    func open(_ record: UnsafeRawBufferPointer, _ key: inout RecordKey, into room: UnsafeMutableRawBufferPointer)
        -> Int?
    {
        let count = record.count - Self.headByteCount - Self.tagByteCount
        guard count >= 0, count <= room.count, let bytes = Self.start(of: record) else { return nil }
        let body = bytes + Self.headByteCount
        let plain = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        let isOpened = key.lend { secret, nonce in
            EVP_DecryptInit_ex(opening, nil, nil, secret, nonce) == 1
                && EVP_DecryptUpdate(opening, nil, &written, bytes, Int32(Self.headByteCount)) == 1
                && EVP_DecryptUpdate(opening, plain, &written, body, Int32(count)) == 1
                && EVP_CIPHER_CTX_ctrl(
                    opening,
                    EVP_CTRL_AEAD_SET_TAG,
                    Int32(Self.tagByteCount),
                    UnsafeMutablePointer(mutating: body + count)
                ) == 1
                && EVP_DecryptFinal_ex(opening, nil, &written) == 1
        }
        guard isOpened else { return nil }
        key.number += 1
        return count
    }

    private static func start(of bytes: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }
}
