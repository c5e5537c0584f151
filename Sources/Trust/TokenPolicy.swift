/// Which tokens are taken.
public struct TokenPolicy: Sendable {
    /// Keys that verify them; without any no token is.
    public var keys: [TokenKey] = []

    /// `iss` and `aud` where they are asked for.
    public var issuer: String?
    public var audience: String?

    /// Whether a token must have an end.
    public var needsExpiry = false

    /// By how much the clocks of those who make tokens may differ.
    public var leewayMilliseconds: UInt64 = 30_000

    /// The longest that is looked at. Each field of a request has room for it, and each proxy.
    public var bytesMax = 8_192

    /// Nothing is taken.
    public init() {}
}
