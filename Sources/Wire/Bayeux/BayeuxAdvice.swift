/// What a server wants its client to do next. Always whole: some clients put it in the place of what they had, others add it.
///
/// Source: Bayeux 1.0 §4.6, and what clients make of it.
public struct BayeuxAdvice: Equatable, Sendable {
    /// What follows the reply.
    public enum Reconnect: String, Sendable {
        /// The next connect.
        case retry
        /// A handshake: the session is gone.
        case handshake
        /// Nothing.
        case none
    }

    /// What follows.
    public var reconnect: Reconnect

    /// How long the client is to wait before that, in milliseconds. One client takes it for seconds, so it is 0 wherever it can
    /// be.
    public var intervalMilliseconds: UInt64 = 0

    /// How long a connect is held, in milliseconds.
    public var timeoutMilliseconds: UInt64

    /// How long a client may stay away, in milliseconds.
    public var awayMilliseconds: UInt64

    /// Makes advice.
    public init(
        _ reconnect: Reconnect,
        intervalMilliseconds: UInt64 = 0,
        timeoutMilliseconds: UInt64,
        awayMilliseconds: UInt64
    ) {
        self.reconnect = reconnect
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.awayMilliseconds = awayMilliseconds
    }

    func append(to buffer: inout ByteBuffer) {
        buffer.append(",\"advice\":{\"reconnect\":\"")
        buffer.append(utf8: reconnect.rawValue)
        buffer.append("\",\"interval\":")
        buffer.append(decimal: intervalMilliseconds)
        buffer.append(",\"timeout\":")
        buffer.append(decimal: timeoutMilliseconds)
        buffer.append(",\"maxInterval\":")
        buffer.append(decimal: awayMilliseconds)
        buffer.append("}")
    }
}
