import Logging

extension SettingTable {
    /// What is told, and how.
    static let logs: [Setting] = [
        Setting(
            "log-level",
            usual: "info",
            "least important messages that are logged: trace, debug, info, notice, warning, error or critical",
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
}
