/// What a node refuses, or did not answer.
public struct PerseidError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A status of HTTP (403), a close code of Perseid (4011), or 0 where there was no answer at all.
    public let code: Int

    /// In words.
    public let message: String

    /// What of the request is at fault, if that is known.
    public let field: String?

    /// The channel that is refused, where it may be one of several.
    public let channel: String?

    /// After how many milliseconds asking again is of use, if that is known.
    public let retryMilliseconds: UInt64?

    /// Whether the same again would be answered the same: the request is wrong, or not allowed.
    public let isFinal: Bool

    /// Makes an error. Whether it is final is told by its code, unless it is said.
    public init(
        code: Int = 0,
        message: String,
        field: String? = nil,
        channel: String? = nil,
        retryMilliseconds: UInt64? = nil,
        isFinal: Bool? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.channel = channel
        self.retryMilliseconds = retryMilliseconds
        self.isFinal = isFinal ?? Self.finalStatuses.contains(code)
    }

    /// Statuses of HTTP that blame the request. The others are a matter of time: 404, too, which a proxy says for a while.
    private static let finalStatuses: Set<Int> = [400, 401, 403, 413, 414, 421, 431]

    /// As in `403: not allowed`, `400: channel: not a channel name`.
    public var description: String {
        let told = field.map { "\($0): \(message)" } ?? message
        return code == 0 ? told : told.isEmpty ? "\(code)" : "\(code): \(told)"
    }
}

extension PerseidError {
    /// The client was closed.
    static let closed = PerseidError(message: "the client is closed", isFinal: true)

    /// Close code of RFC 6455 §7.4.1 for a message above the limit.
    static let tooBigCode = 1_009

    /// What came is larger than this client takes. The same would come again.
    static func tooBig(_ bytesMax: Int) -> PerseidError {
        PerseidError(code: tooBigCode, message: "a message of more than \(bytesMax) bytes", isFinal: true)
    }

    /// What came is not what a node says.
    static func nonsense(_ what: String) -> PerseidError { PerseidError(message: what) }
}
