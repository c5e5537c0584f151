/// What a backend shows to be let in, besides what everybody may.
///
/// Immutable, and shared by all who show it. The secret itself is not kept.
public final class APIKey: Sendable {
    /// What a key is for.
    public enum Scope: String, CaseIterable, Sendable {
        /// Publish, and call services.
        case publish
        /// Subscribe, read history, see who is present.
        case read
        /// Look at sessions, users and nodes, and tell them what to do.
        case admin
    }

    /// As what it is known to the operator.
    public let name: String

    /// What is kept of the secret.
    public let hash: SecretHash

    /// What it is for.
    public let scopes: Set<Scope>

    /// In which channels; none are all.
    public let channels: [AccessPattern]

    /// Makes one.
    public init(
        name: String,
        hash: SecretHash,
        scopes: Set<Scope> = Set(Scope.allCases),
        channels: [AccessPattern] = []
    ) {
        self.name = name
        self.hash = hash
        self.scopes = scopes
        self.channels = channels
    }

    /// Whether it allows something in a channel, or in all channels of a pattern.
    public func allows(_ action: AccessAction, in channel: ChannelName) -> Bool {
        guard scopes.contains(action == .publish || action == .call ? .publish : .read) else { return false }
        let channel = channel.presenceSubject ?? channel
        return channels.isEmpty || channels.contains { $0.relation(to: channel) == .all }
    }
}
