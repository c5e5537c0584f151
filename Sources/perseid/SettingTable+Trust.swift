import Broker
import Edge
import Hooks
import Trust

extension SettingTable {
    /// Who may do what, and which backends are asked.
    static let trust: [Setting] = [
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
}
