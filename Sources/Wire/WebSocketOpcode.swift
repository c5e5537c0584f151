/// What a WebSocket frame carries.
///
/// Source: RFC 6455 section 5.2. Codes 3–7 and 11–15 are reserved and have no case here.
public enum WebSocketOpcode: UInt8, Sendable {
    /// The next part of a message that an earlier frame began.
    case continuation = 0
    /// A message, or its first part, in UTF-8.
    case text = 1
    /// A message, or its first part, of any bytes.
    case binary = 2
    /// The beginning of the end, with an optional code and reason.
    case close = 8
    /// A question whether the peer is there.
    case ping = 9
    /// The answer to a ping, or an unasked sign of life.
    case pong = 10

    /// Whether this is a control frame: at most 125 bytes, never fragmented, allowed between two fragments.
    public var isControl: Bool { rawValue >= 8 }
}
