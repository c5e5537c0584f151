import Broker
import Edge
import Text

/// Reads one rule: a map, or in one text the channels and then what is allowed whom, `room/* subscribe=users publish=users`. What it says,
/// it says once.
struct RuleReader {
    private var taken: Set<String> = []
    private var channels: AccessPattern?
    private var permissions: [AccessAction: Permission] = [:]
    private var replicasMin = 0
    private var compression = Compression.off
    private var isKeyed = false
    private var rateMax: MaxRate?
    private var tellsNewestOnly = false
    private var historyCountMax: Int?
    private var historyMilliseconds: UInt64?

    private init() {}

    static func read(_ value: SettingValue) throws(SettingsError) -> AccessRules.Rule {
        var reader = RuleReader()
        for field in try value.fieldsOfRule() { try reader.take(field) }
        return try reader.rule(of: value)
    }

    private mutating func take(_ field: SettingValue) throws(SettingsError) {
        guard taken.insert(field.name).inserted else { throw field.error("is said twice") }
        switch field.name {
        case "channels": channels = try Self.pattern(field)
        case "durable": replicasMin = try field.number(in: 0...16)
        case "compress":
            let word = try field.choice(of: Compression.allCases.map(\.rawValue))
            compression = Compression(rawValue: word) ?? .off
        case "keyed": isKeyed = try field.flag()
        case "max-rate": rateMax = try Self.rate(field)
        case "pace": tellsNewestOnly = try field.choice(of: ["batch", "newest"]) == "newest"
        case "history-count": historyCountMax = try field.number(in: 0...SettingTable.countMax)
        case "history-seconds":
            let seconds = try field.number(in: 1...SettingTable.millisecondsMax / 1_000)
            historyMilliseconds = UInt64(seconds) * 1_000
        default: try takePermission(field)
        }
    }

    private mutating func takePermission(_ field: SettingValue) throws(SettingsError) {
        guard let action = AccessAction(rawValue: field.name) else {
            let nearest = NearestName.find(field.name, among: Self.names).map { "; did you mean \($0)?" } ?? ""
            throw field.error("is nothing that a rule says\(nearest)")
        }
        let word = try field.choice(of: Permission.allCases.map(\.rawValue))
        permissions[action] = Permission(rawValue: word)
    }

    /// All that a rule may say.
    private static let names =
        ["channels", "durable", "compress", "keyed", "max-rate", "pace", "history-count", "history-seconds"]
        + AccessAction.allCases.map(\.rawValue)

    private static func pattern(_ field: SettingValue) throws(SettingsError) -> AccessPattern {
        guard let pattern = AccessPattern(try field.text()) else {
            throw field.error("is not a pattern such as room/*, user/{sub}/** or **: a wildcard is a whole segment")
        }
        return pattern
    }

    private static func rate(_ field: SettingValue) throws(SettingsError) -> MaxRate {
        let text = try field.text()
        guard let rate = MaxRate(text) else { throw field.error("\(text) \(MaxRate.form)") }
        return rate
    }

    /// What was taken, if it is a whole.
    private func rule(of value: SettingValue) throws(SettingsError) -> AccessRules.Rule {
        guard let channels else { throw value.error("a rule must say which channels it is for") }
        if permissions.values.contains(.owner), !channels.namesUser {
            throw value.error("\(channels.text): an owner is whose name stands in {sub}, and there is none")
        }
        if isKeyed, historyCountMax == 0 {
            throw value.error("\(channels.text): a keyed channel keeps one key at least")
        }
        return AccessRules.Rule(
            channels: channels,
            permissions: permissions,
            replicasMin: replicasMin,
            compression: compression,
            isKeyed: isKeyed,
            pace: PaceRule(rateMax: rateMax, tellsNewestOnly: tellsNewestOnly),
            history: HistoryRule(countMax: historyCountMax, ageMilliseconds: historyMilliseconds)
        )
    }
}

extension SettingValue {
    fileprivate func fieldsOfRule() throws(SettingsError) -> [SettingValue] {
        if case .map(let entries) = content { return entries }
        let words = try text().split(separator: " ")
        var fields = [field("channels", words.first ?? "")]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw error("\(word) is not ACTION=WHOM, such as subscribe=users") }
            fields.append(field(String(parts[0]), parts[1]))
        }
        return fields
    }

    private func field(_ name: String, _ text: Substring) -> SettingValue {
        SettingValue(name: name, source: source, content: .text(String(text), isQuoted: false))
    }
}
