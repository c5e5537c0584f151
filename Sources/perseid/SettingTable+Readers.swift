import Broker
import Edge

extension SettingTable {
    /// What happens to those who read.
    static let readers: [Setting] = [
        Setting(
            "slow-reader",
            usual: "disconnect",
            "what happens to a reader that has fallen too far behind: disconnect, skip, latest or merge",
            take: { value, settings throws(SettingsError) in try settings.takeSlowReader(value) },
            show: { $0.edge.slowReader.rawValue }
        ),
        Setting(
            "policies",
            usual: "none",
            "the same by channel: ticker/**=latest, logs/**=skip:4194304 (with a window of so many bytes); the first that matches decides",
            take: { value, settings throws(SettingsError) in try settings.takePolicies(value) },
            show: { $0.edge.policies.isEmpty ? "none" : $0.edge.policies.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "presence",
            usual: "none",
            "patterns of the channels that tell who is subscribed: room/**",
            take: { value, settings throws(SettingsError) in try settings.takePresence(value) },
            show: { $0.edge.presence.isEmpty ? "none" : $0.edge.presence.map(\.text).joined(separator: ",") }
        ),
        Setting(
            "rates.without-redis",
            usual: "node",
            "what users and API keys may have of limits.user-… while Redis is away: with node each node grants as much as the limit says, with refuse it grants next to nothing",
            take: { value, settings throws(SettingsError) in
                let word = try value.choice(of: RatesWithoutRedis.allCases.map(\.rawValue))
                settings.edge.ratesWithoutRedis = RatesWithoutRedis(rawValue: word) ?? settings.edge.ratesWithoutRedis
            },
            show: { $0.edge.ratesWithoutRedis.rawValue }
        ),
    ]
}
