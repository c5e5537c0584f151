/// What users and keys may have while Redis is away.
public enum RatesWithoutRedis: String, CaseIterable, Sendable {
    /// Each node gives what a limit allows, and nothing of it is owed afterwards.
    case node
    /// Nothing beyond what they may have before the cluster knows of it.
    case refuse
}
