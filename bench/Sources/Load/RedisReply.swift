internal import CBench

/// One reply of the Redis protocol (RESP2): only its length, and whether it is an error.
struct RedisReply {
    let byteCount: Int
    let isError: Bool

    /// nil while the reply is incomplete.
    init?(_ bytes: UnsafeRawPointer, count: Int) {
        guard count > 0, let byteCount = RedisReply.byteCount(bytes, count: count) else { return nil }
        self.byteCount = byteCount
        isError = bytes.load(as: UInt8.self) == UInt8(ascii: "-")
    }

    private static func byteCount(_ bytes: UnsafeRawPointer, count: Int) -> Int? {
        guard count > 0, let newline = bench_find(bytes, count, "\n", 1) else { return nil }
        let lineCount = bytes.distance(to: UnsafeRawPointer(newline)) + 1
        switch bytes.load(as: UInt8.self) {
        case UInt8(ascii: "$"):
            let length = number(bytes, lineCount: lineCount)
            let whole = length < 0 ? lineCount : lineCount + length + 2
            return whole <= count ? whole : nil
        case UInt8(ascii: "*"):
            return arrayByteCount(bytes, count: count, lineCount: lineCount)
        default:
            return lineCount
        }
    }

    private static func arrayByteCount(_ bytes: UnsafeRawPointer, count: Int, lineCount: Int) -> Int? {
        var total = lineCount
        for _ in 0..<max(0, number(bytes, lineCount: lineCount)) {
            guard let element = byteCount(bytes + total, count: count - total) else { return nil }
            total += element
        }
        return total
    }

    private static func number(_ bytes: UnsafeRawPointer, lineCount: Int) -> Int {
        let digits = UnsafeRawBufferPointer(start: bytes + 1, count: max(0, lineCount - 3))
        return Int(String(decoding: digits, as: UTF8.self)) ?? 0
    }
}
