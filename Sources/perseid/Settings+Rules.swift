import Broker
import Edge

// The rules: who may do what in which channels, and how these are kept and told.
extension Settings {
    /// A rule that lets more be remembered than the limits would have them say something else than what is.
    var historyFault: SettingsError? {
        for (place, rule) in edge.rules.rules.enumerated() {
            let (countMax, age) = (rule.history.countMax, rule.history.ageMilliseconds)
            let fault: (said: String, limit: String)? =
                if let countMax, countMax > rule.history.countMax(isKeyed: rule.isKeyed, edge.limits) {
                    ("history-count: \(countMax)", rule.isKeyed ? "keys-max" : "history-count-max")
                } else if let age, age > rule.history.ageMilliseconds(isKeyed: rule.isKeyed, edge.limits) {
                    ("history-seconds: \(age / 1_000)", rule.isKeyed ? "keys-milliseconds" : "history-milliseconds")
                } else {
                    nil
                }
            guard let fault else { continue }
            let reason = "rule \(place + 1) says \(fault.said), which is more than limits.\(fault.limit)"
            return SettingsError(name: "rules", source: source(of: "rules"), reason: reason)
        }
        return nil
    }

    mutating func takeRules(_ value: SettingValue) throws(SettingsError) {
        var rules: [AccessRules.Rule] = []
        for item in try value.items() { rules.append(try RuleReader.read(item)) }
        guard !rules.isEmpty else {
            throw value.error("is empty: without rules a node is open; leave it out to say so")
        }
        edge.rules = AccessRules(rules)
    }
}

extension AccessRules.Rule {
    /// In one text.
    var text: String {
        let allowed = AccessAction.allCases.compactMap { action in
            permissions[action].map { "\(action.rawValue)=\($0.rawValue)" }
        }
        let durable = replicasMin > 0 ? ["durable=\(replicasMin)"] : []
        let compressed = compression == .off ? [] : ["compress=\(compression.rawValue)"]
        let keyed = isKeyed ? ["keyed=true"] : []
        let rate = pace.rateMax.map { ["max-rate=\($0.text)"] } ?? []
        let newest = pace.tellsNewestOnly ? ["pace=newest"] : []
        let history =
            (history.countMax.map { ["history-count=\($0)"] } ?? [])
            + (history.ageMilliseconds.map { ["history-seconds=\($0 / 1_000)"] } ?? [])
        return ([channels.text] + allowed + durable + compressed + keyed + rate + newest + history)
            .joined(separator: " ")
    }
}
