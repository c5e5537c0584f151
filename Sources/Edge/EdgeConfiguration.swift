public import Broker
public import Hooks
public import Logging
public import TLS
public import Text
public import Trust

/// What an edge is told when it starts. A value: every reactor has its own copy.
public struct EdgeConfiguration: Sendable {
    /// Host name or number to listen on.
    public var host = "127.0.0.1"

    /// TCP port; 0 lets the system choose.
    public var port: UInt16 = 8_080

    /// Where clients come in with TLS, if they may.
    public var tls: SecureListener?

    /// What keys of tickets follow from, the same for all reactors.
    var ticketSeed: [UInt8] = []

    /// This node's name in the cluster and in `welcome` messages.
    public var nodeID = "node"

    /// Which program it is, as operators are told.
    public var version = "unknown"

    /// Reactors, each with a thread and a listener of its own.
    public var reactorCount = 1

    /// All limits.
    public var limits = Limits()

    /// Slow-reader policies by channel pattern; the first match decides.
    public var policies: [ChannelPolicy] = []

    /// Whether there may be other nodes, which must know what users have of what is limited.
    public var isClustered = false

    /// What these may have while the other nodes cannot be told.
    public var ratesWithoutRedis = RatesWithoutRedis.node

    /// Policy of channels that no pattern names.
    public var slowReader = SlowReaderPolicy.disconnect

    /// Channels that tell who is subscribed to them.
    public var presence: [ChannelPattern] = []

    /// Keys a publisher must show one of; none means that anybody who reaches the port may publish.
    public var apiKeys: [APIKey] = []

    /// Who may do what in which channels; without any, whoever reaches the port.
    public var rules = AccessRules()

    /// Which tokens say who a client is.
    public var tokens = TokenPolicy()

    /// The cookie that a token may stand in, for browsers send one with what a page cannot add a field to.
    public var tokenCookie: String?

    /// Sets of keys that verify tokens, by their addresses: fetched and kept up to date.
    public var keySets: [String] = []

    /// Backends that are asked.
    public var hooks: HookPolicies = [:]

    /// Origins that clients know the nodes by, such as `https://push.example.org`: pages from there are the node's own,
    /// and their hosts are served.
    public var publicOrigins: [String] = []

    /// Addresses whose word is taken for whom they connect.
    public var trustedProxies: [AddressBlock] = []

    /// Whether these begin each connection with a header of the PROXY protocol.
    public var proxyProtocol = false

    /// Where they say for whom a request is.
    public var forwardedField = ForwardedField.forwardedFor

    /// Further host names that requests may be for; `*` for all. Addresses and `localhost` always are.
    public var allowedHosts: [String] = []

    /// Origins of other sites whose pages may publish, open WebSockets and read answers; `*` for all, then without
    /// credentials.
    public var allowedOrigins: [String] = []

    /// Whether polls may be answered with scripts (JSONP): a page of any site can ask for these, and read them.
    public var answersScripts = false

    /// Paths at which Bayeux is spoken, and everything below them: many clients have theirs compiled in.
    public var bayeuxPaths = ["/bayeux"]

    /// Whether sends are made many at a time by io_uring, where the kernel allows it.
    public var usesRing = true

    /// Where the reactors log.
    public var logger = Logger(label: "perseid.edge")

    /// All defaults.
    public init() {}

    /// Who may do what.
    var access: AccessPolicy {
        var policy = AccessPolicy()
        (policy.rules, policy.apiKeys) = (rules, apiKeys)
        (policy.takesTokens, policy.tokenCookie) = (!tokens.keys.isEmpty || !keySets.isEmpty, tokenCookie)
        (policy.hooks, policy.connectFields) = (Set(hooks.keys), hooks[.connect]?.fields ?? [])
        return policy
    }

    /// Whether a channel tells who is subscribed to it.
    func hasPresence(_ channel: ChannelName) -> Bool {
        !channel.isSystem && presence.contains { $0.matches(channel) }
    }

    /// How a channel treats slow readers.
    func policy(of channel: ChannelName) -> (policy: SlowReaderPolicy, windowBytesMax: Int) {
        let found = policies.first { $0.pattern.matches(channel) }
        return (found?.slowReader ?? slowReader, found?.windowBytesMax ?? limits.windowBytesMax)
    }
}

/// Where clients come in with TLS, and what they are shown.
public struct SecureListener: Sendable, Equatable {
    /// Host name or number to listen on.
    public var host: String

    /// TCP port; 0 lets the system choose.
    public var port: UInt16

    /// Certificates, and whose clients may show.
    public var policy: TLSPolicy

    /// Names a place and what is shown there.
    public init(host: String = "127.0.0.1", port: UInt16 = 8_443, policy: TLSPolicy = TLSPolicy()) {
        (self.host, self.port, self.policy) = (host, port, policy)
    }
}
