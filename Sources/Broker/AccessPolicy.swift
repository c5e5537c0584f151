/// What a node goes by when it is asked who may do what. It may be another from one turn to the next.
public struct AccessPolicy: Sendable {
    /// Who may do what in which channels.
    public var rules = AccessRules()

    /// Keys of backends.
    public var apiKeys: [String] = []

    /// Whether tokens say who clients are, and the cookie that one may stand in.
    public var takesTokens = false
    public var tokenCookie: String?

    /// Everybody may everything.
    public init() {}
}
