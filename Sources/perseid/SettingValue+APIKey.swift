import Broker
import Edge

extension SettingValue {
    /// A key of a backend: its secret, or a map that says what it is for. `number` names those that have no name.
    func apiKey(_ number: Int) throws(SettingsError) -> APIKey {
        guard case .map(let fields) = content else {
            return APIKey(name: "key \(number)", hash: try secretHash())
        }
        var (name, hash): (String?, SecretHash?) = (nil, nil)
        var scopes = Set(APIKey.Scope.allCases)
        var channels: [AccessPattern] = []
        for field in fields {
            switch field.name {
            case "name": name = try field.text()
            case "secret" where hash == nil: hash = try field.secretHash()
            case "sha256" where hash == nil: hash = try field.hexadecimalHash()
            case "secret", "sha256": throw field.error("is said already: either secret or sha256")
            case "scopes": scopes = try field.scopes()
            case "channels": channels = try field.patterns()
            default:
                let names = ["name", "secret", "sha256", "scopes", "channels"]
                let nearest = NearestName.find(field.name, among: names).map { "; did you mean \($0)?" } ?? ""
                throw field.error("is nothing that a key says\(nearest)")
            }
        }
        guard let hash else { throw error("a key must have a secret, or the sha256 of one") }
        return APIKey(name: name ?? "key \(number)", hash: hash, scopes: scopes, channels: channels)
    }

    private func secretHash() throws(SettingsError) -> SecretHash {
        let secret = try text()
        // No client could show any other: it would not fit into a field of a request (RFC 9110 §5.5).
        guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw error("a key may have visible ASCII characters only, and no spaces")
        }
        return SecretHash(of: secret)
    }

    /// As `printf %s SECRET | sha256sum` says it.
    private func hexadecimalHash() throws(SettingsError) -> SecretHash {
        let digits = Array(try text().utf8)
        let values = digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 64, values.count == 64 else { throw error("is not a SHA-256 in 64 hexadecimal digits") }
        return SecretHash(stride(from: 0, to: 64, by: 2).map { UInt8(clamping: values[$0] << 4 | values[$0 + 1]) })
    }

    private func scopes() throws(SettingsError) -> Set<APIKey.Scope> {
        var scopes: Set<APIKey.Scope> = []
        for item in try items() {
            let word = try item.choice(of: APIKey.Scope.allCases.map(\.rawValue))
            if let scope = APIKey.Scope(rawValue: word) { scopes.insert(scope) }
        }
        guard !scopes.isEmpty else { throw error("is empty: the key could do nothing") }
        return scopes
    }

    private func patterns() throws(SettingsError) -> [AccessPattern] {
        var patterns: [AccessPattern] = []
        for item in try items() {
            guard let pattern = AccessPattern(try item.text()), !pattern.namesUser else {
                throw item.error("is not a pattern such as room/*, news/** or **: a wildcard is a whole segment")
            }
            patterns.append(pattern)
        }
        guard !patterns.isEmpty else { throw error("is empty: leave it out to mean all channels") }
        return patterns
    }
}
