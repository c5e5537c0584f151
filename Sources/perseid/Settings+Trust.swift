import Broker
import Edge
import Foundation
import Text
import Trust

// Who may do what: the keys of tokens. What they may do is in Settings+Rules.swift.
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
        isInsecure = other.isInsecure
        takeCertificates(of: other)
    }

    /// A name that was drawn is not drawn again.
    mutating func keepDrawn(from other: Settings) {
        if case .usual = source(of: "node-id") { edge.nodeID = other.edge.nodeID }
    }
}
