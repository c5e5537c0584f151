import Broker
import Edge

extension SettingTable {
    /// Ten years. As nanoseconds, and as ticks of 250 ms compared with a sign, that still fits: 3.2 · 10¹⁷ of 1.8 · 10¹⁹,
    /// 1.3 · 10⁹ of 2.1 · 10⁹.
    static let millisecondsMax = 315_360_000_000

    /// A tebi. Sums and small multiples of such counts still fit.
    static let countMax = 1 << 40

    static let limits: [Setting] =
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
