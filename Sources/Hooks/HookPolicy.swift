public import Broker

/// How a backend is asked.
public struct HookPolicy: Sendable, Equatable {
    /// Where, by http or https.
    public var url: String

    /// Time that an answer may take, with all waiting for it.
    public var timeoutMilliseconds: UInt64 = 1_000

    /// Whether no answer means yes.
    public var allowsOnFailure = false

    /// Keys that requests are signed with: the first is in use, what stands behind it was before and is taken by a backend that does
    /// not know the first yet.
    public var secrets: [[UInt8]] = []

    /// Fields of a client's request that go along, in small letters.
    public var fields: [String] = []

    /// Requests at once. Each has a connection of its own, or a stream of one with HTTP/2.
    public var requestsMax = 64

    /// Questions that wait for one of those. Hit: there is no answer; `perseid_hook_failures_total{reason="busy"}`.
    public var waitingMax = 4_096

    /// Failures in a row after which it is let alone, and for how long.
    public var breakerFailures = 5
    public var breakerMilliseconds: UInt64 = 5_000

    /// Certificates that a backend's may be signed by, as a file of PEM; the system's without.
    public var authorities: String?

    /// With all defaults.
    public init(url: String) { self.url = url }
}

/// All hooks of a node.
public typealias HookPolicies = [HookName: HookPolicy]
