/// What came of asking a backend. A value that crosses threads.
public enum HookOutcome: Sendable {
    /// It says yes.
    case allowed(HookAnswer)
    /// It says no; of a call, why.
    case refused(HookRefusal)
    /// It did not say anything that is an answer, and that means no.
    case failed(HookFailure)
}

/// What a backend says besides yes. Most of it has a meaning for one hook only.
public struct HookAnswer: Sendable, Equatable {
    /// Who somebody is that connects.
    public var user: String?
    /// What others may see of that, as JSON.
    public var info: [UInt8]?
    /// Channels that they have from the beginning.
    public var channels: [ChannelName] = []
    /// When all that ends, in milliseconds since 1970.
    public var endMilliseconds: UInt64?
    /// What is published in the place of what was to be; what a call is answered.
    public var data: Payload?

    /// Nothing but yes.
    public init() {}
}

/// Why a backend says no, for who calls it.
public struct HookRefusal: Sendable, Equatable {
    /// As a status of HTTP, 400 to 599.
    public let code: UInt16
    /// In words of the backend.
    public let message: String

    /// Makes one.
    public init(code: UInt16 = 403, message: String = "not allowed") {
        self.code = code
        self.message = message
    }
}

/// Why a backend did not answer.
public enum HookFailure: String, Error, CaseIterable, Sendable {
    /// Not in time.
    case timeout
    /// It could not be reached, or went away.
    case connection
    /// With a status that is neither of success nor 403.
    case status
    /// With what is no answer: not JSON, not what it must say, or too much of it.
    case answer
    /// Too many wait for it already.
    case busy
    /// It failed so often of late that it is let alone.
    case breaker
}
