/// Whom a rule allows something.
public enum Permission: String, CaseIterable, Sendable {
    /// Everybody, also who shows no token.
    case anyone
    /// Who shows a token with a name.
    case users
    /// Whose token names the channel.
    case granted
    /// Whose name stands in the channel, where the rule has `{sub}`.
    case owner
    /// Whom a backend says, which is asked each time.
    case hook
    case nobody
}
