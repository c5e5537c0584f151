internal import CBench

/// The replies in received bytes, one after the other, up to the first that has not arrived whole.
struct RedisReplies {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    /// The bytes of the whole replies so far.
    private(set) var consumedCount = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// nil while the next reply is incomplete.
    mutating func next() -> RedisReply? {
        guard let reply = reply() else { return nil }
        consumedCount = offset
        return reply
    }

    private mutating func reply() -> RedisReply? {
        guard let line = line(), let kind = line.first else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: line.dropFirst())
        switch kind {
        case UInt8(ascii: ":"): return .integer(RedisReplies.number(text))
        case UInt8(ascii: "$"): return bulk(count: RedisReplies.number(text))
        case UInt8(ascii: "*"): return array(count: RedisReplies.number(text))
        default: return .line(line)
        }
    }

    private mutating func bulk(count: Int) -> RedisReply? {
        // The null string has a length of -1 and no end of its own.
        guard count >= 0 else { return .bulk(UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard bytes.count - offset >= count + 2 else { return nil }
        defer { offset += count + 2 }
        return .bulk(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
    }

    private mutating func array(count: Int) -> RedisReply? {
        var elements: [RedisReply] = []
        while elements.count < count {
            guard let element = reply() else { return nil }
            elements.append(element)
        }
        return .array(elements)
    }

    /// The next line without its end.
    private mutating func line() -> UnsafeRawBufferPointer? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard let start = rest.baseAddress, let end = bench_find(start, rest.count, "\r\n", 2) else { return nil }
        let count = start.distance(to: end)
        offset += count + 2
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    private static func number(_ text: UnsafeRawBufferPointer) -> Int {
        Int(String(decoding: text, as: UTF8.self)) ?? 0
    }
}
