/// A request that a node makes of another server.
public struct HTTPCall: Sendable {
    /// Where, by http or https.
    public var url: String

    /// JSON to post; nothing is asked for with GET.
    public var body: [UInt8]?

    /// Fields besides, `Name: value`.
    public var fields: [String] = []

    /// Time for all of it.
    public var timeoutMilliseconds: UInt64

    /// Bytes that the answer may have, head and body each.
    public var answerBytesMax: Int

    /// Certificates that the server's may be signed by, as a file of PEM; the system's without.
    public var authorities: String?

    /// Makes one.
    public init(url: String, body: [UInt8]? = nil, timeoutMilliseconds: UInt64, answerBytesMax: Int) {
        self.url = url
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.answerBytesMax = answerBytesMax
    }
}

/// What it was answered, whatever its status.
public struct HTTPReply: Sendable {
    /// The status.
    public let status: Int
    /// The body.
    public let body: [UInt8]
    /// `Cache-Control`, if it has one.
    public let cacheControl: String?
}

/// Why it was not.
public struct HTTPCallError: Error, Sendable {
    /// Which kind of failure.
    public enum Kind: Sendable {
        case timeout
        case connection
        case tooLong
    }

    /// Which kind of failure.
    public let kind: Kind
    /// In words of libcurl, without what the request had in it.
    public let reason: String
}
