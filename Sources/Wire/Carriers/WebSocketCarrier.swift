extension Carrier {
    /// A WebSocket (RFC 6455): one message in one frame.
    public static let webSocket = Carrier(
        "websocket",
        [.isTwoWay, .takesBinary],
        message: { message, output in
            if message.content == .bytes {
                WebSocketEncoder.appendBinary(message.data, to: &output)
            } else {
                WebSocketEncoder.appendText(message.data, to: &output)
            }
        },
        end: { code, reason, _, output in
            let text = UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount)
            WebSocketEncoder.appendClose(WebSocketCloseCode(rawValue: code), reason: text, to: &output)
        }
    )
}
