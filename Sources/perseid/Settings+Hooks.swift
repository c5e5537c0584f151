import Broker
import Edge
import Foundation
import Hooks

// Backends that are asked.
extension Settings {
    mutating func takeHook(_ hook: HookName, _ value: SettingValue) throws(SettingsError) {
        edge.hooks[hook] = try value.hook(hook)
    }

    /// Replicas there are only of Redis.
    var durableFault: SettingsError? {
        guard redis == nil, let place = edge.rules.rules.firstIndex(where: { $0.replicasMin > 0 }) else { return nil }
        let reason = "rule \(place + 1) says durable, and without redis there are no replicas"
        return SettingsError(name: "rules", source: source(of: "rules"), reason: reason)
    }

    /// A rule that leaves something to a backend that is not there would leave it to nobody.
    var hookFault: SettingsError? {
        for (place, rule) in edge.rules.rules.enumerated() {
            for action in AccessAction.allCases where rule.permissions[action] == .hook {
                let hook = action.hook
                if edge.hooks[hook] != nil { continue }
                return SettingsError(
                    name: "rules",
                    source: source(of: "rules"),
                    reason:
                        "rule \(place + 1) leaves \(action.rawValue) to a hook, and there is no hooks.\(hook.rawValue)"
                )
            }
        }
        return nil
    }

    /// Whether a text is an address that may be asked by HTTP.
    static func isAddress(_ text: String) -> Bool { text.wholeMatch(of: /https?:\/\/[^\s\/?#@]+([\/?][!-~]*)?/) != nil }
}

extension AccessAction {
    /// Which backend is asked about it.
    var hook: HookName {
        switch self {
        case .subscribe, .presence, .history: .subscribe
        case .publish: .publish
        case .call: .call
        }
    }
}

extension HookPolicy {
    /// In one text, without secrets.
    var text: String {
        let usual = HookPolicy(url: url)
        var words = [url]
        func add(_ name: String, _ value: String, if isOther: Bool) { if isOther { words.append("\(name)=\(value)") } }
        add("timeout", "\(timeoutMilliseconds)", if: timeoutMilliseconds != usual.timeoutMilliseconds)
        add("on-failure", "allow", if: allowsOnFailure)
        add("requests", "\(requestsMax)", if: requestsMax != usual.requestsMax)
        add("queue", "\(waitingMax)", if: waitingMax != usual.waitingMax)
        add("breaker-failures", "\(breakerFailures)", if: breakerFailures != usual.breakerFailures)
        add("breaker-pause", "\(breakerMilliseconds)", if: breakerMilliseconds != usual.breakerMilliseconds)
        add("fields", fields.joined(separator: "+"), if: !fields.isEmpty)
        add("ca", authorities ?? "", if: authorities != nil)
        add("secret", "\(secrets.count), hidden", if: !secrets.isEmpty)
        return words.joined(separator: " ")
    }
}

extension SettingValue {
    private static let hookFields = [
        "url", "timeout", "on-failure", "secret", "fields", "requests", "queue", "breaker-failures", "breaker-pause",
        "ca",
    ]

    /// Bytes of a secret, at least: what signs a token has as many.
    private static let secretBytesMin = 32

    /// A hook: a map, or in one text its address and then what else there is to say, `http://127.0.0.1:9000/connect timeout=500`.
    fileprivate func hook(_ hook: HookName) throws(SettingsError) -> HookPolicy {
        let all = try hookEntries()
        guard let url = all.first(where: { $0.name == "url" }) else { throw error("a hook must say its url") }
        let address = try url.text()
        guard Settings.isAddress(address) else { throw url.error("is not http[s]://HOST[:PORT][/PATH]") }
        var policy = HookPolicy(url: address)
        for entry in all where entry.name != "url" { try entry.take(into: &policy, hook) }
        return policy
    }

    private func take(into policy: inout HookPolicy, _ hook: HookName) throws(SettingsError) {
        switch name {
        case "timeout": policy.timeoutMilliseconds = UInt64(try number(in: 1...20_000))
        case "on-failure":
            policy.allowsOnFailure = try choice(of: ["refuse", "allow"]) == "allow"
            if policy.allowsOnFailure, hook == .call || hook == .disconnect {
                throw error("nothing can be allowed in the place of what a backend says to a \(hook.rawValue)")
            }
        case "secret":
            for item in try parts() {
                let secret = Array(try item.text().utf8)
                guard secret.count >= Self.secretBytesMin else {
                    throw item.error("has \(secret.count) bytes and needs \(Self.secretBytesMin)")
                }
                policy.secrets.append(secret)
            }
        case "fields":
            guard hook == .connect else { throw error("only connect is told fields of a request") }
            for item in try parts(separator: "+") {
                let field = try item.text()
                // RFC 9110 §5.6.2, less what no field is called.
                guard field.wholeMatch(of: /[A-Za-z0-9_-]{1,64}/) != nil else {
                    throw item.error("\(field) is not the name of a field")
                }
                policy.fields.append(field.lowercased())
            }
        case "requests": policy.requestsMax = try number(in: 1...10_000)
        case "queue": policy.waitingMax = try number(in: 1...1_000_000)
        case "breaker-failures": policy.breakerFailures = try number(in: 1...1_000_000)
        case "breaker-pause": policy.breakerMilliseconds = UInt64(try number(in: 1...3_600_000))
        case "ca":
            let path = try text()
            guard FileManager.default.isReadableFile(atPath: path) else { throw error("\(path) cannot be read") }
            policy.authorities = path
        default:
            let nearest = NearestName.find(name, among: Self.hookFields).map { "; did you mean \($0)?" } ?? ""
            throw error("is nothing that a hook says\(nearest)")
        }
    }

    /// One, or a list of them.
    private func parts(separator: Character? = nil) throws(SettingsError) -> [SettingValue] {
        if case .list = content { return try items() }
        guard let separator else { return [self] }
        return try text().split(separator: separator).map { part(name, part: String($0)) }
    }

    private func hookEntries() throws(SettingsError) -> [SettingValue] {
        if case .map(let entries) = content { return entries }
        let words = try text().split(separator: " ")
        var entries = [part("url", part: String(words.first ?? ""))]
        for word in words.dropFirst() {
            let pair = word.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { throw error("one of its words is not NAME=VALUE, such as timeout=500") }
            // Several secrets are for rotation; of anything else one would be ignored.
            guard pair[0] == "secret" || !entries.contains(where: { $0.name == pair[0] }) else {
                throw error("\(pair[0]) is said twice")
            }
            entries.append(part(String(pair[0]), part: String(pair[1])))
        }
        return entries
    }

    private func part(_ name: String, part text: String) -> SettingValue {
        SettingValue(name: name, source: source, content: .text(text, isQuoted: false))
    }
}
