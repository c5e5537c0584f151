/// What a client goes by, besides the addresses of its nodes.
public struct ClientOptions: Sendable {
    /// Who the client is: an access token or an API key, or how to get one.
    public var token: TokenSource?

    /// The transports that are tried, in this order. What works is kept for ten minutes.
    public var transports = Transport.allCases

    /// What the client does about a session.
    public var session = SessionChoice.new

    /// How often it is told of each channel, at most: batches a second, from 0.1 to 20; `nil` for whenever there is something. Of all
    /// channels of a pattern together it is told in that many.
    public var maxRate: Double?

    /// Authorities, as PEM, that certificates of nodes may be issued by; `nil` for those that the system trusts.
    public var authorities: [UInt8]?

    /// Bytes of events that wait for a loop that does not come for them, at most; a single event may exceed it. Default: 1 MiB. When it
    /// is reached the connection is not read further, for any of the client's subscriptions, until half of that was taken.
    public var waitingBytesMax = 1_048_576

    /// Bytes that a message may have. Default: 16 MiB, far above what nodes take. When hit: the subscriptions end with an error, for the
    /// same message would come again.
    public var messageBytesMax = 16_777_216

    /// Bytes that the answer to a question may have. Default: 64 MiB. When hit: the question fails.
    public var answerBytesMax = 67_108_864

    /// Publications that wait to be sent, at most. Default: 10,000. When hit: `publish` fails with 429.
    public var publicationsWaitingMax = 10_000

    /// Milliseconds for which a publication is tried, where the cluster does not take it for now. Default: 30 s.
    public var publishMilliseconds: UInt64 = 30_000

    /// Milliseconds in which a connection says something, or is taken for blocked; and in which one can be made. Default: 5 s.
    public var openMilliseconds: UInt64 = 5_000

    /// Milliseconds in which a question is answered. Default: 30 s.
    public var answerMilliseconds: UInt64 = 30_000

    /// Nobody in particular, with every transport.
    public init() {}
}

/// What a client does about a session, by which nodes know it again.
public enum SessionChoice: Sendable, Hashable {
    /// Has one of its own.
    case new
    /// Has none: each connection is another member in presence.
    case none
    /// Goes on with one that was told as `ConnectionState.open`, on any node.
    case resumed(String)
}

/// Where a token comes from.
public enum TokenSource: Sendable {
    /// Always this one: an API key, say.
    case fixed(String)
    /// A new one, each time one is needed: before the last one ends, by its claim `exp`, and where one is refused.
    case provider(@Sendable () async throws -> String)
}
