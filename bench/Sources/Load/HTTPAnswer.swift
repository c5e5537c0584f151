internal import CBench

/// A server's answer to one request: just enough of HTTP/1.1 to find its end.
struct HTTPAnswer {
    let status: Int
    let headByteCount: Int
    /// Head and body.
    let byteCount: Int

    /// A publish is taken on by any 2xx: nchan answers 201 or 202, Perseid 200.
    var isSuccess: Bool { (200..<300).contains(status) }

    /// nil while the answer is incomplete. After a 101 what follows is not a body.
    init?(_ bytes: UnsafeRawPointer, count: Int) {
        guard let end = bench_find(bytes, count, "\r\n\r\n", 4) else { return nil }
        headByteCount = bytes.distance(to: UnsafeRawPointer(end)) + 4
        status = HTTPAnswer.status(bytes, count: headByteCount)
        let head = UnsafeRawBufferPointer(start: bytes, count: headByteCount)
        if let length = HTTPAnswer.contentLength(of: head) {
            byteCount = headByteCount + length
        } else if HTTPAnswer.position(of: "chunked", in: head) != nil {
            guard let last = bench_find(bytes + headByteCount - 2, count - headByteCount + 2, "\r\n0\r\n\r\n", 7) else {
                return nil
            }
            byteCount = bytes.distance(to: UnsafeRawPointer(last)) + 7
        } else {
            byteCount = headByteCount
        }
        guard byteCount <= count else { return nil }
    }

    /// The head alone, of an answer whose body never ends.
    static func head(_ bytes: UnsafeRawPointer, count: Int) -> (status: Int, byteCount: Int)? {
        guard let end = bench_find(bytes, count, "\r\n\r\n", 4) else { return nil }
        let byteCount = bytes.distance(to: UnsafeRawPointer(end)) + 4
        return (status(bytes, count: byteCount), byteCount)
    }

    private static func status(_ bytes: UnsafeRawPointer, count: Int) -> Int {
        guard count >= 12 else { return 0 }
        return (9..<12).reduce(0) { $0 * 10 + Int(bytes.load(fromByteOffset: $1, as: UInt8.self)) - 48 }
    }

    private static func contentLength(of head: UnsafeRawBufferPointer) -> Int? {
        guard let start = position(of: "\r\ncontent-length:", in: head) else { return nil }
        var length = 0
        for byte in head[(start + 17)...].drop(while: { $0 == UInt8(ascii: " ") }) {
            guard (48...57).contains(byte) else { break }
            length = length * 10 + Int(byte) - 48
        }
        return length
    }

    /// Where a lower-case text stands in the head, whatever the case there.
    private static func position(of text: StaticString, in head: UnsafeRawBufferPointer) -> Int? {
        guard let base = head.baseAddress, head.count >= text.utf8CodeUnitCount else { return nil }
        let last = head.count - text.utf8CodeUnitCount
        return (0...last).first { bench_is_text(base + $0, text.utf8Start, text.utf8CodeUnitCount) != 0 }
    }
}
