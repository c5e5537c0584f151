internal import CBench

/// What the floor needs to know of an HTTP request; all of it points into the received bytes.
struct Request {
    let isPublish: Bool
    /// The path and the query.
    let target: UnsafeRawBufferPointer
    let webSocketKey: UnsafeRawBufferPointer?
    let body: UnsafeRawBufferPointer
    /// The bytes of the whole request.
    let count: Int

    /// Reads one request from the start of `bytes`; nil while it is incomplete.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, let end = bench_find(start, bytes.count, "\r\n\r\n", 4) else { return nil }
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<(start.distance(to: end) + 4)])
        let bodyCount = Request.value(of: "content-length:", in: head).flatMap { Int(Request.text($0)) } ?? 0
        guard bytes.count >= head.count + bodyCount else { return nil }

        isPublish = head.first == UInt8(ascii: "P")
        target = Request.target(of: head)
        webSocketKey = Request.value(of: "sec-websocket-key:", in: head)
        body = UnsafeRawBufferPointer(rebasing: bytes[head.count..<head.count + bodyCount])
        count = head.count + bodyCount
    }

    /// The channel's name: what follows `/channels/` or `channel=`.
    var channelName: String {
        let separator = UInt8(ascii: isPublish ? "/" : "=")
        let start = target.lastIndex(of: separator).map { $0 + 1 } ?? target.endIndex
        return Request.text(UnsafeRawBufferPointer(rebasing: target[start...]))
    }

    private static func target(of head: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let space = UInt8(ascii: " ")
        let start = head.firstIndex(of: space).map { $0 + 1 } ?? 0
        let end = head[start...].firstIndex(of: space) ?? head.endIndex
        return UnsafeRawBufferPointer(rebasing: head[start..<end])
    }

    private static func value(of name: StaticString, in head: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var rest = head[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = UnsafeRawBufferPointer(rebasing: rest[..<newline])
            if isNamed(name, line) { return trimmed(line, from: name.utf8CodeUnitCount) }
            rest = rest[(newline + 1)...]
        }
        return nil
    }

    private static func isNamed(_ name: StaticString, _ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count > name.utf8CodeUnitCount, let start = line.baseAddress else { return false }
        return bench_is_text(start, name.utf8Start, name.utf8CodeUnitCount) != 0
    }

    private static func trimmed(_ line: UnsafeRawBufferPointer, from start: Int) -> UnsafeRawBufferPointer {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
        let first = line[start...].firstIndex { !isSpace($0) } ?? line.endIndex
        let last = line[first...].lastIndex { !isSpace($0) } ?? first
        return UnsafeRawBufferPointer(rebasing: line[first..<min(last + 1, line.endIndex)])
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
}
