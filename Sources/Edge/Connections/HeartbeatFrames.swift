internal import Hub
internal import Wire

/// What readers are sent where nothing else was, made once: it stays where it is while the kernel reads it.
///
/// Thread: owned by one reactor. Size: some bytes for each encoding in use, of which there are a dozen.
final class HeartbeatFrames {
    /// A pong that nobody asked for: a heartbeat in one direction, which nobody answers. Source: RFC 6455 section 5.5.3.
    private let pong: UnsafeRawBufferPointer
    /// Its client must answer.
    private let ping: UnsafeRawBufferPointer

    private var others: [Encoding: UnsafeRawBufferPointer] = [:]

    init() {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        pong = Self.keep { WebSocketEncoder.appendPong(nothing, to: &$0) }
        ping = Self.keep { WebSocketEncoder.appendPing(nothing, to: &$0) }
    }

    deinit {
        for bytes in [pong, ping] + others.values { bytes.deallocate() }
    }

    /// Those of a WebSocket.
    func webSocket(asks: Bool) -> UnsafeRawBufferPointer { asks ? ping : pong }

    /// Those of a stream, before they are compressed.
    func stream(_ encoding: Encoding) -> UnsafeRawBufferPointer {
        if let bytes = others[encoding] { return bytes }
        let bytes = Self.keep { encoding.appendHeartbeat(to: &$0) }
        others[encoding] = bytes
        return bytes
    }

    private static func keep(_ write: (inout ByteBuffer) -> Void) -> UnsafeRawBufferPointer {
        var buffer = ByteBuffer()
        write(&buffer)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count, alignment: 1)
        bytes.copyMemory(from: buffer.bytes)
        return UnsafeRawBufferPointer(bytes)
    }
}
