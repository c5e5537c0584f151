import Broker
import Edge
import Hooks
import Logging
import Text
import Trust

/// All settings of a node. Whoever reads, checks, prints, guesses or documents one looks here.
enum SettingTable {
    static let all = own + limits

    /// A setting by its name.
    static subscript(name: String) -> Setting? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Whether other settings are named below this name, as those of `limits` are.
    static func isGroup(_ name: String) -> Bool { all.contains { $0.name.hasPrefix("\(name).") } }

    // MARK: Unknown names

    /// What to say of a name in the file that is no setting.
    static func unknown(_ name: String) -> String { complaint(NearestName.find(name, among: all.map(\.name))) }

    /// What to say of a variable that is no setting: `PERSEID_LIMTS_POLL_BYTES_MAX` is looked for as `limts-poll-bytes-max`.
    static func unknownVariable(_ variable: String) -> String {
        let name = variable.dropFirst(SettingsEnvironment.prefix.count).lowercased().replacing("_", with: "-")
        return complaint(NearestName.find(name, among: all.map(\.name)).flatMap { Self[$0]?.environmentName })
    }

    private static func complaint(_ nearest: String?) -> String {
        "is not a setting" + (nearest.map { "; did you mean \($0)?" } ?? "; perseid check lists all there are")
    }

    // MARK: The table

    private static let own: [Setting] = [
        Setting(
            "listen",
            usual: "127.0.0.1:8080",
            "where clients come in; beyond loopback only with rules, api-keys or insecure",
            take: { value, settings throws(SettingsError) in try settings.takeListen(value) },
            show: {
                $0.edge.host.contains(":") ? "[\($0.edge.host)]:\($0.edge.port)" : "\($0.edge.host):\($0.edge.port)"
            }
        ),
        Setting(
            "redis",
            usual: "none",
            "redis[s]://[user[:password]@]host[:port][/database] or unix:///path, shared with the nodes; none: embedded, one node",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeRedis(value) },
            show: { $0.redis?.textWithoutPassword ?? "none" }
        ),
        Setting(
            "redis-tls.ca",
            usual: "the system's",
            "file with authorities that the certificate of a rediss:// may be issued by",
            take: { value, settings throws(SettingsError) in settings.redisAuthorities = try value.file() },
            show: { $0.redisAuthorities?.path ?? "the system's" }
        ),
        Setting(
            "redis-tls.certificate",
            usual: "none",
            "file with a certificate that Redis is shown, which asks for one unless tls-auth-clients is off there",
            take: { value, settings throws(SettingsError) in settings.redisCertificate = try value.file() },
            show: { $0.redisCertificate?.path ?? "none" }
        ),
        Setting(
            "redis-tls.key",
            usual: "none",
            "file with its key",
            take: { value, settings throws(SettingsError) in settings.redisKey = try value.file() },
            show: { $0.redisKey?.path ?? "none" }
        ),
        Setting(
            "redis-tls.server-name",
            usual: "the host",
            "name or address that the certificate of Redis must be for",
            take: { value, settings throws(SettingsError) in settings.redisServerName = try value.text() },
            show: { $0.redisServerName ?? "the host" }
        ),
        Setting(
            "key-prefix",
            usual: "perseid",
            "begins the names of all keys and pub/sub channels in Redis: each cluster its own",
            take: { value, settings throws(SettingsError) in try settings.takeKeyPrefix(value) },
            show: { $0.keyPrefix }
        ),
        Setting(
            "node-id",
            usual: "drawn",
            "name in the cluster, each node its own: a second living node of that name refuses to start; the value of the balancer's cookie",
            take: { value, settings throws(SettingsError) in try settings.takeNodeID(value) },
            show: { $0.edge.nodeID }
        ),
        Setting(
            "reactors",
            usual: "one per processor",
            "threads, 1 to 64",
            take: { value, settings throws(SettingsError) in settings.edge.reactorCount = try value.number(in: 1...64)
            },
            show: { "\($0.edge.reactorCount)" }
        ),
        Setting(
            "io-uring",
            usual: "auto",
            "send to many sockets in one system call where the kernel allows it; off never",
            take: { value, settings throws(SettingsError) in
                settings.edge.usesRing = try value.choice(of: ["auto", "off"]) == "auto"
            },
            show: { $0.edge.usesRing ? "auto" : "off" }
        ),
        Setting(
            "insecure",
            usual: "false",
            "listen beyond loopback although there are neither rules nor api-keys",
            take: { value, settings throws(SettingsError) in settings.isInsecure = try value.flag() },
            show: { "\($0.isInsecure)" }
        ),
        Setting(
            "api-keys",
            usual: "none",
            "backends show one as Authorization: Bearer …: a secret, which may do everything; or maps of name, secret or sha256, scopes, channels",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeKeys(value) },
            show: {
                $0.edge.apiKeys.isEmpty ? "none" : "\($0.edge.apiKeys.map(\.name).joined(separator: ", ")), hidden"
            }
        ),
        Setting(
            "rules",
            usual: "none",
            "who may do what, by channel, the first that matches: room/* subscribe=users publish=users; or maps. None: all",
            take: { value, settings throws(SettingsError) in try settings.takeRules(value) },
            show: { $0.edge.rules.isEmpty ? "none" : $0.edge.rules.rules.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "tokens.hmac",
            usual: "none",
            "secrets that sign tokens, by name: main=…; of 32 bytes at least. Several for rotation",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeTokenSecrets(value) },
            show: { $0.tokenSecrets.isEmpty ? "none" : "\(Set($0.tokenSecrets.map(\.name)).count), hidden" }
        ),
        Setting(
            "tokens.jwks",
            usual: "none",
            "keys that verify tokens, as JSON Web Key Sets: files, and addresses from which sets are fetched and kept fresh",
            take: { value, settings throws(SettingsError) in try settings.takeTokenSets(value) },
            show: { settings in
                let keys = settings.tokenSets.isEmpty ? [] : ["\(settings.tokenSets.count) keys"]
                let all = keys + settings.edge.keySets
                return all.isEmpty ? "none" : all.joined(separator: ",")
            }
        ),
        Setting(
            "tokens.issuer",
            usual: "any",
            "the iss that a token must have",
            take: { value, settings throws(SettingsError) in settings.edge.tokens.issuer = try value.text() },
            show: { $0.edge.tokens.issuer ?? "any" }
        ),
        Setting(
            "tokens.audience",
            usual: "any",
            "what a token's aud must name",
            take: { value, settings throws(SettingsError) in settings.edge.tokens.audience = try value.text() },
            show: { $0.edge.tokens.audience ?? "any" }
        ),
        Setting(
            "tokens.cookie",
            usual: "none",
            "cookie that a token may stand in, which a plain EventSource sends",
            take: { value, settings throws(SettingsError) in try settings.takeTokenCookie(value) },
            show: { $0.edge.tokenCookie ?? "none" }
        ),
        Setting(
            "tokens.require-expiry",
            usual: "false",
            "refuse tokens without exp",
            take: { value, settings throws(SettingsError) in settings.edge.tokens.needsExpiry = try value.flag() },
            show: { "\($0.edge.tokens.needsExpiry)" }
        ),
        Setting(
            "tokens.leeway-seconds",
            usual: "30",
            "by how much the clock of who makes tokens may differ",
            take: { value, settings throws(SettingsError) in
                settings.edge.tokens.leewayMilliseconds = UInt64(try value.number(in: 0...3_600)) * 1_000
            },
            show: { "\($0.edge.tokens.leewayMilliseconds / 1_000)" }
        ),
        hook(
            .connect,
            "asked whether who connects may, and as whom: URL, or a map with url, timeout, on-failure, secret, …"
        ),
        hook(.subscribe, "asked where a rule says hook for subscribe, presence or history"),
        hook(.publish, "asked where a rule says hook for publish; may publish something else instead"),
        hook(.call, "answers calls of service channels"),
        hook(.disconnect, "told when somebody with a name or a session is gone"),
        Setting(
            "tls.listen",
            usual: "none",
            "where clients come in with TLS, beside listen; 127.0.0.1:8443. Beyond loopback as listen",
            take: { value, settings throws(SettingsError) in try settings.takeSecureListen(value) },
            show: {
                $0.secureListen.map { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" }
                    ?? "none"
            }
        ),
        Setting(
            "tls.certificates",
            usual: "none",
            "files, as maps: certificate (with those that lead to a root) and key; in one text cert.pem=key.pem. Several by name",
            take: { value, settings throws(SettingsError) in try settings.takeCertificates(value) },
            show: { $0.certificates.isEmpty ? "none" : $0.certificates.map(\.chain).joined(separator: ",") }
        ),
        Setting(
            "tls.client-ca",
            usual: "none",
            "file with authorities of clients: the common name of a certificate that they issued is the user",
            take: { value, settings throws(SettingsError) in try settings.takeClientAuthorities(value) },
            show: { $0.clientAuthorities ?? "none" }
        ),
        Setting(
            "tls.require-client-certificate",
            usual: "false",
            "let nobody in by TLS who shows no such certificate",
            take: { value, settings throws(SettingsError) in settings.requiresClientCertificate = try value.flag() },
            show: { "\($0.requiresClientCertificate)" }
        ),
        Setting(
            "tls.kernel",
            usual: "false",
            "have Linux encrypt what is sent by TLS 1.3, where it has the module tls: not tried on such a kernel yet",
            take: { value, settings throws(SettingsError) in settings.asksKernel = try value.flag() },
            show: { "\($0.asksKernel)" }
        ),
        Setting(
            "allowed-origins",
            usual: "same origin",
            "other sites whose pages may publish and connect; * for all, without credentials",
            take: { value, settings throws(SettingsError) in try settings.takeOrigins(value) },
            show: { $0.edge.allowedOrigins.isEmpty ? "same origin" : $0.edge.allowedOrigins.joined(separator: ",") }
        ),
        Setting(
            "jsonp",
            usual: "false",
            "answer polls with callback=… with scripts, which pages of every site can read",
            take: { value, settings throws(SettingsError) in settings.edge.answersScripts = try value.flag() },
            show: { "\($0.edge.answersScripts)" }
        ),
        Setting(
            "bayeux",
            usual: "/bayeux",
            "paths at which CometD and Faye clients find Bayeux, such as /cometd,/faye; none: nowhere",
            take: { value, settings throws(SettingsError) in try settings.takeBayeuxPaths(value) },
            show: { $0.edge.bayeuxPaths.isEmpty ? "none" : $0.edge.bayeuxPaths.joined(separator: ",") }
        ),
        Setting(
            "public-origin",
            usual: "none",
            "origins that clients know the nodes by, https://push.example.org: own, and their hosts are served",
            take: { value, settings throws(SettingsError) in try settings.takePublicOrigins(value) },
            show: { $0.edge.publicOrigins.isEmpty ? "none" : $0.edge.publicOrigins.joined(separator: ",") }
        ),
        Setting(
            "trusted-proxies",
            usual: "none",
            "addresses and networks whose word is taken for whom they connect: 10.0.0.0/8,2001:db8::/32",
            take: { value, settings throws(SettingsError) in try settings.takeTrustedProxies(value) },
            show: {
                $0.edge.trustedProxies.isEmpty
                    ? "none" : $0.edge.trustedProxies.map(\.description).joined(separator: ",")
            }
        ),
        Setting(
            "proxy-protocol",
            usual: "false",
            "these begin each connection with a PROXY header, version 1 or 2; one that does not is closed",
            take: { value, settings throws(SettingsError) in settings.edge.proxyProtocol = try value.flag() },
            show: { "\($0.edge.proxyProtocol)" }
        ),
        Setting(
            "forwarded-field",
            usual: "x-forwarded-for",
            "where they say for whom a request is: or forwarded, none. The one they write: of the other they pass on what clients make up",
            take: { value, settings throws(SettingsError) in
                let word = try value.choice(of: ForwardedField.allCases.map(\.rawValue))
                settings.edge.forwardedField = ForwardedField(rawValue: word) ?? settings.edge.forwardedField
            },
            show: { $0.edge.forwardedField.rawValue }
        ),
        Setting(
            "allowed-hosts",
            usual: "none",
            "further host names that requests may be for; * for all. Addresses and localhost always",
            take: { value, settings throws(SettingsError) in try settings.takeHosts(value) },
            show: { $0.edge.allowedHosts.isEmpty ? "none" : $0.edge.allowedHosts.joined(separator: ",") }
        ),
        Setting(
            "slow-reader",
            usual: "disconnect",
            "what happens to a reader past its window: or skip, latest",
            take: { value, settings throws(SettingsError) in try settings.takeSlowReader(value) },
            show: { $0.edge.slowReader.rawValue }
        ),
        Setting(
            "policies",
            usual: "none",
            "the same by channel: ticker/**=latest, logs/**=skip:4194304 (with a window); the first that matches",
            take: { value, settings throws(SettingsError) in try settings.takePolicies(value) },
            show: { $0.edge.policies.isEmpty ? "none" : $0.edge.policies.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "presence",
            usual: "none",
            "channels that tell who is subscribed, as patterns: room/**",
            take: { value, settings throws(SettingsError) in try settings.takePresence(value) },
            show: { $0.edge.presence.isEmpty ? "none" : $0.edge.presence.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "rates.without-redis",
            usual: "node",
            "what users and API keys may have of limits.user-… while Redis is away: node, by each node as much as a limit says; refuse, next to nothing",
            take: { value, settings throws(SettingsError) in
                let word = try value.choice(of: RatesWithoutRedis.allCases.map(\.rawValue))
                settings.edge.ratesWithoutRedis = RatesWithoutRedis(rawValue: word) ?? settings.edge.ratesWithoutRedis
            },
            show: { $0.edge.ratesWithoutRedis.rawValue }
        ),
        Setting(
            "log-level",
            usual: "info",
            "trace, debug, info, notice, warning, error or critical",
            take: { value, settings throws(SettingsError) in try settings.takeLogLevel(value) },
            show: { $0.logLevel.rawValue }
        ),
        Setting(
            "log-format",
            usual: "text",
            "text, or json for machines",
            take: { value, settings throws(SettingsError) in
                settings.isLogJSON = try value.choice(of: ["text", "json"]) == "json"
            },
            show: { $0.isLogJSON ? "json" : "text" }
        ),
    ]

    private static func hook(_ hook: HookName, _ meaning: String) -> Setting {
        Setting(
            "hooks.\(hook.rawValue)",
            usual: "none",
            meaning,
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeHook(hook, value) },
            show: { $0.edge.hooks[hook]?.text ?? "none" }
        )
    }

    // MARK: Limits

    /// Ten years. As nanoseconds, and as ticks of 250 ms compared with a sign, that still fits: 3.2 · 10¹⁷ of 1.8 · 10¹⁹,
    /// 1.3 · 10⁹ of 2.1 · 10⁹.
    static let millisecondsMax = 315_360_000_000

    /// A tebi. Sums and small multiples of such counts still fit.
    static let countMax = 1 << 40

    private static let limits: [Setting] =
        LimitNames.counts.map { limit(counting: $0, from: 1) } + LimitNames.rates.map { limit(counting: $0, from: 0) }
        + LimitNames.times.map { limit(timing: $0) }

    private static func limit(
        counting row: (name: String, path: any WritableKeyPath<Limits, Int> & Sendable, meaning: String),
        from least: Int
    ) -> Setting {
        let path = row.path
        return Setting(
            "limits.\(row.name)",
            usual: "\(Limits()[keyPath: path])",
            row.meaning,
            take: { value, settings throws(SettingsError) in
                settings.edge.limits[keyPath: path] = try value.number(in: least...countMax)
            },
            show: { "\($0.edge.limits[keyPath: path])" }
        )
    }

    private static func limit(
        timing row: (name: String, path: any WritableKeyPath<Limits, UInt64> & Sendable, meaning: String)
    ) -> Setting {
        let path = row.path
        return Setting(
            "limits.\(row.name)",
            usual: "\(Limits()[keyPath: path])",
            row.meaning,
            take: { value, settings throws(SettingsError) in
                settings.edge.limits[keyPath: path] = UInt64(clamping: try value.number(in: 1...millisecondsMax))
            },
            show: { "\($0.edge.limits[keyPath: path])" }
        )
    }
}
