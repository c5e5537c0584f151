import Broker
import Edge
import Foundation
import Text
import Trust

// Who may do what: keys of tokens, and rules.
extension Settings {
    // MARK: Tokens

    mutating func takeTokenSecrets(_ value: SettingValue) throws(SettingsError) {
        var secrets: [(name: String, secret: SettingValue)] = []
        if case .map(let entries) = value.content {
            secrets = entries.map { ($0.name, $0) }
        } else {
            for item in try value.items() {
                let parts = try item.text().split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw item.error("is not NAME=SECRET") }
                let secret = SettingValue.Content.text(String(parts[1]), isQuoted: false)
                secrets.append((String(parts[0]), SettingValue(name: item.name, source: item.source, content: secret)))
            }
        }
        guard !secrets.isEmpty else { throw value.error("is empty: give it a secret, or leave it out") }
        var keys: [TokenKey] = []
        for (name, secret) in secrets {
            let bytes = Array(try secret.text().utf8)
            keys += try Self.keys(of: secret) { try await TokenKey.hmac(bytes, name: name) }
        }
        tokenSecrets = keys
        edge.tokens.keys = tokenSecrets + tokenSets
    }

    mutating func takeTokenSets(_ value: SettingValue) throws(SettingsError) {
        var keys: [TokenKey] = []
        var addresses: [String] = []
        for item in try value.items() {
            let path = try item.text()
            if path.contains("://") {
                guard Self.isAddress(path) else {
                    throw item.error("is neither a file nor http[s]://HOST[:PORT][/PATH]")
                }
                addresses.append(path)
                continue
            }
            guard let data = FileManager.default.contents(atPath: path) else {
                throw item.error("\(path) cannot be read")
            }
            let bytes = Array(data)
            keys += try Self.keys(of: item) { try await TokenKey.set(bytes) }
        }
        tokenSets = keys
        edge.keySets = addresses
        edge.tokens.keys = tokenSecrets + tokenSets
    }

    private static func keys(
        of value: SettingValue,
        _ make: @Sendable @escaping () async throws -> [TokenKey]
    ) throws(SettingsError) -> [TokenKey] {
        do { return try Blocking.run(make) } catch { throw value.error("\(error)") }
    }

    mutating func takeTokenCookie(_ value: SettingValue) throws(SettingsError) {
        let name = try value.text()
        // RFC 6265 §4.1.1, less what nobody uses.
        guard name.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw value.error("\(name) is not the name of a cookie")
        }
        edge.tokenCookie = name
    }

    // MARK: Read anew

    /// Takes over what a running node can change.
    mutating func takeAccess(of other: Settings) {
        (edge.rules, edge.apiKeys, edge.tokenCookie) = (other.edge.rules, other.edge.apiKeys, other.edge.tokenCookie)
        (edge.hooks, edge.keySets) = (other.edge.hooks, other.edge.keySets)
        (edge.tokens, tokenSecrets, tokenSets) = (other.edge.tokens, other.tokenSecrets, other.tokenSets)
        takeCertificates(of: other)
    }

    /// A name that was drawn is not drawn again.
    mutating func keepDrawn(from other: Settings) {
        if case .usual = source(of: "node-id") { edge.nodeID = other.edge.nodeID }
    }

    // MARK: Rules

    mutating func takeRules(_ value: SettingValue) throws(SettingsError) {
        var rules: [AccessRules.Rule] = []
        for item in try value.items() { rules.append(try item.rule()) }
        guard !rules.isEmpty else {
            throw value.error("is empty: without rules a node is open; leave it out to say so")
        }
        edge.rules = AccessRules(rules)
    }
}

extension SettingValue {
    /// A rule: a map, or in one text the channels and then what is allowed whom, `room/* subscribe=users publish=users`.
    fileprivate func rule() throws(SettingsError) -> AccessRules.Rule {
        var channels: AccessPattern?
        var permissions: [AccessAction: Permission] = [:]
        var replicasMin: Int?
        var compression: Compression?
        var isKeyed: Bool?
        var rateMax: MaxRate?
        var pace: String?
        for field in try fields() {
            if field.name == "channels" {
                guard channels == nil else { throw field.error("is said twice") }
                channels = AccessPattern(try field.text())
                guard channels != nil else {
                    throw field.error(
                        "is not a pattern such as room/*, user/{sub}/** or **: a wildcard is a whole segment"
                    )
                }
            } else if field.name == "durable" {
                guard replicasMin == nil else { throw field.error("is said twice") }
                replicasMin = try field.number(in: 0...16)
            } else if field.name == "compress" {
                guard compression == nil else { throw field.error("is said twice") }
                compression = Compression(rawValue: try field.choice(of: Compression.allCases.map(\.rawValue)))
            } else if field.name == "keyed" {
                guard isKeyed == nil else { throw field.error("is said twice") }
                isKeyed = try field.flag()
            } else if field.name == "max-rate" {
                guard rateMax == nil else { throw field.error("is said twice") }
                rateMax = MaxRate(try field.text())
                if rateMax == nil { throw field.error("\(try field.text()) \(MaxRate.form)") }
            } else if field.name == "pace" {
                guard pace == nil else { throw field.error("is said twice") }
                pace = try field.choice(of: ["batch", "newest"])
            } else if let action = AccessAction(rawValue: field.name) {
                guard permissions[action] == nil else { throw field.error("is said twice") }
                let word = try field.choice(of: Permission.allCases.map(\.rawValue))
                permissions[action] = Permission(rawValue: word)
            } else {
                let names =
                    ["channels", "durable", "compress", "keyed", "max-rate", "pace"]
                    + AccessAction.allCases.map(\.rawValue)
                let nearest = NearestName.find(field.name, among: names).map { "; did you mean \($0)?" } ?? ""
                throw field.error("is nothing that a rule says\(nearest)")
            }
        }
        guard let channels else { throw error("a rule must say which channels it is for") }
        if permissions.values.contains(.owner), !channels.namesUser {
            throw error("\(channels.text): an owner is whose name stands in {sub}, and there is none")
        }
        return AccessRules.Rule(
            channels: channels,
            permissions: permissions,
            replicasMin: replicasMin ?? 0,
            compression: compression ?? .off,
            isKeyed: isKeyed ?? false,
            pace: PaceRule(rateMax: rateMax, tellsNewestOnly: pace == "newest")
        )
    }

    private func fields() throws(SettingsError) -> [SettingValue] {
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
        return ([channels.text] + allowed + durable + compressed + keyed + rate + newest).joined(separator: " ")
    }
}
