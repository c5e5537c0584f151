public import Broker

/// What a user, or a backend's key, had of something that is limited in the cluster.
public struct RateSpending: Sendable {
    /// Who is told how much all nodes together gave.
    public let ticket: Ticket

    /// What is limited: lower-case letters and dashes.
    public let limit: String

    /// Whose it is: a name of fixed length, from which nobody reads the user's.
    public let who: SecretHash

    /// How long it takes at the limit's rate until there is as much again.
    public let microseconds: UInt64

    /// What somebody owes at most, whatever is remembered of them: a clock that jumped keeps nobody out for long.
    public let owedMicrosecondsMax: UInt64

    /// Says who had how much.
    public init(
        ticket: Ticket,
        limit: String,
        who: SecretHash,
        microseconds: UInt64,
        owedMicrosecondsMax: UInt64
    ) {
        (self.ticket, self.limit, self.who) = (ticket, limit, who)
        (self.microseconds, self.owedMicrosecondsMax) = (microseconds, owedMicrosecondsMax)
    }
}
