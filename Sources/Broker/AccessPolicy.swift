/// What a node goes by when it is asked who may do what. It may be another from one turn to the next.
public struct AccessPolicy: Sendable {
    /// Who may do what in which channels.
    public var rules = AccessRules()

    /// Keys of backends.
    public var apiKeys: [APIKey] = []

    /// Whether tokens say who clients are, and the cookie that one may stand in.
    public var takesTokens = false
    public var tokenCookie: String?

    /// What backends are asked, and the fields of a request that one is told of who connects.
    public var hooks: Set<HookName> = []
    public var connectFields: [String] = []

    /// Everybody may everything.
    public init() {}

    /// The key whose secret has such a hash. All are looked at, so that not even its place shows.
    public func apiKey(of hash: SecretHash) -> APIKey? {
        apiKeys.reduce(nil) { found, key in key.hash == hash ? key : found }
    }
}
