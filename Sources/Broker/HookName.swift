/// What a backend is asked, or told.
public enum HookName: String, CaseIterable, Sendable {
    /// Whether somebody may come, and who that is.
    case connect
    /// Whether somebody may read a channel: what comes, what was, or who is there.
    case subscribe
    /// Whether something may be published, and as what.
    case publish
    /// What to answer to somebody who calls a service.
    case call
    /// That somebody is gone. Nothing is asked.
    case disconnect
}
