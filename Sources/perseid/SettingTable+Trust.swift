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
            "keys that backends show as Authorization: Bearer …: a plain secret, which may do everything, or maps of name, secret or sha256, scopes, channels",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeKeys(value) },
            show: {
                $0.edge.apiKeys.isEmpty ? "none" : "\($0.edge.apiKeys.map(\.name).joined(separator: ", ")), hidden"
            }
        ),
        Setting(
            "rules",
            usual: "none",
            "who may do what in which channel; the first rule that matches decides: room/* subscribe=users publish=users, or maps. Without rules everybody may do everything, but only those with a key may publish if there are api-keys",
            take: { value, settings throws(SettingsError) in try settings.takeRules(value) },
            show: { $0.edge.rules.isEmpty ? "none" : $0.edge.rules.rules.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "tokens.hmac",
            usual: "none",
            "secrets that sign access tokens, by name, main=…, each of at least 32 bytes; give several while you replace one",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeTokenSecrets(value) },
            show: { $0.tokenSecrets.isEmpty ? "none" : "\(Set($0.tokenSecrets.map(\.name)).count), hidden" }
        ),
        Setting(
            "tokens.jwks",
            usual: "none",
            "JSON Web Key Sets that verify access tokens: files, and URLs from which the node fetches sets and keeps them fresh",
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
            "name of a cookie that may hold the token, because a plain EventSource can send no field of its own",
            take: { value, settings throws(SettingsError) in try settings.takeTokenCookie(value) },
            show: { $0.edge.tokenCookie ?? "none" }
        ),
        Setting(
            "tokens.require-expiry",
            usual: "false",
            "makes the node refuse tokens without exp",
            take: { value, settings throws(SettingsError) in settings.edge.tokens.needsExpiry = try value.flag() },
            show: { "\($0.edge.tokens.needsExpiry)" }
        ),
        Setting(
            "tokens.leeway-seconds",
            usual: "30",
            "by how much the clock of whoever makes tokens may differ from the node's",
            take: { value, settings throws(SettingsError) in
                settings.edge.tokens.leewayMilliseconds = UInt64(try value.number(in: 0...3_600)) * 1_000
            },
            show: { "\($0.edge.tokens.leewayMilliseconds / 1_000)" }
        ),
        hook(
            .connect,
            "backend that the node asks whether a client may connect, and as whom: a URL, or a map with url, timeout, on-failure, secret, …"
        ),
        hook(.subscribe, "backend that the node asks where a rule says hook for subscribe, presence or history"),
        hook(
            .publish,
            "backend that the node asks where a rule says hook for publish; it may publish something else instead"
        ),
        hook(.call, "backend that answers calls of service channels"),
        hook(.disconnect, "backend that the node tells when a client with a name or a session has gone"),
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
