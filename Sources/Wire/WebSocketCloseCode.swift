/// Why a WebSocket is closed.
///
/// Source: RFC 6455 section 7.4 and the registry it set up; 3000–3999 are registered by libraries, 4000–4999 are free
/// for applications.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16

    /// Makes a code of any number, also of one that may not be sent.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// 1000: the purpose is fulfilled.
    public static let normal = WebSocketCloseCode(rawValue: 1000)
    /// 1001: the node is shutting down, or the page was left.
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    /// 1002: the peer broke the protocol.
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    /// 1003: a kind of message that is not taken here.
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// 1005: the peer sent a close frame without a code. Never on the wire.
    public static let noStatusReceived = WebSocketCloseCode(rawValue: 1005)
    /// 1007: a text that is not UTF-8.
    public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
    /// 1008: refused by a rule that has no code of its own.
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    /// 1009: a message above the limit.
    public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    /// 1011: the node failed.
    public static let internalError = WebSocketCloseCode(rawValue: 1011)
    /// 1012: the node restarts; come back.
    public static let serviceRestart = WebSocketCloseCode(rawValue: 1012)
    /// 1013: the node is overloaded; come back later.
    public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

    /// Whether a close frame may carry it: 1004–1006, 1015 and everything outside the assigned ranges may not.
    public var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
