internal import BenchWire
internal import CBench

/// Finds the messages in what a connection received.
enum Inbound {
    /// What was found, and where it ends.
    enum Found {
        case message(start: UnsafeRawPointer, count: Int, byteCount: Int)
        case ping(payload: UnsafeRawBufferPointer, byteCount: Int)
        /// A pong, or a line that is a comment.
        case heartbeat(byteCount: Int)
        case close(byteCount: Int)
        /// Nothing that concerns a client.
        case other(byteCount: Int)
        /// The rest has not arrived.
        case incomplete
    }

    /// The head of an HTTP answer: its status and length, or nil while it is not whole.
    static func head(_ bytes: UnsafeRawPointer, count: Int) -> (status: Int, byteCount: Int)? {
        guard let end = bench_find(bytes, count, "\r\n\r\n", 4) else { return nil }
        var text = Text(bytes, count: count)
        let status = text.skip("HTTP/1.1 ") ? text.decimal() : nil
        return (Int(status ?? 0), bytes.distance(to: end) + 4)
    }

    /// The next frame of a WebSocket.
    @inline(__always)
    static func frame(_ bytes: UnsafeRawPointer, count: Int) -> Found {
        guard let frame = WebSocketFrame(bytes, available: count) else { return .incomplete }
        let start = bytes + frame.headerByteCount
        let byteCount = frame.headerByteCount + frame.payloadByteCount
        if frame.isMessage { return .message(start: start, count: frame.payloadByteCount, byteCount: byteCount) }
        let payload = UnsafeRawBufferPointer(start: start, count: frame.payloadByteCount)
        if frame.isPong { return .heartbeat(byteCount: byteCount) }
        if frame.isPing { return .ping(payload: payload, byteCount: byteCount) }
        return frame.isClose ? .close(byteCount: byteCount) : .other(byteCount: byteCount)
    }

    /// The next line of an event stream. Fields but `data` say nothing that the data does not, and the lines around
    /// chunks look like no field.
    @inline(__always)
    static func line(_ bytes: UnsafeRawPointer, count: Int) -> Found {
        guard let end = bench_find(bytes, count, "\n", 1) else { return .incomplete }
        let byteCount = bytes.distance(to: end) + 1
        var text = Text(bytes, count: byteCount - 1)
        if text.skip("data: ") { return .message(start: text.next, count: text.remaining, byteCount: byteCount) }
        return text.skip(":") ? .heartbeat(byteCount: byteCount) : .other(byteCount: byteCount)
    }
}
