/// What may be allowed in a channel, each by itself.
public enum AccessAction: String, CaseIterable, Sendable {
    /// Read what is published from now on, and what was missed.
    case subscribe
    case publish
    /// See who is subscribed.
    case presence
    /// Read what was published before.
    case history
    /// Ask a service, which a backend answers.
    case call
}
