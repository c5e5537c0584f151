internal import Broker
internal import Foundation
internal import Text

/// What a token says, RFC 7519 §4.1, and what Perseid reads besides: `"perseid":{"subscribe":["room/*"],…,"info":{…}}`.
struct TokenClaims {
    /// Patterns that a token grants for each action, at most.
    static let grantsMax = 256

    private let fields: [String: Any]

    init(_ json: [UInt8]) throws(TokenFault) {
        guard let fields = JSONObject.read(json) else { throw .malformed }
        self.fields = fields
    }

    /// When a claim says, in milliseconds; `nil` without it.
    func milliseconds(_ name: String) throws(TokenFault) -> UInt64? {
        guard let value = fields[name] else { return nil }
        guard let number = value as? NSNumber, !Self.isBool(number), (0...1e12).contains(number.doubleValue) else {
            throw .claims
        }
        return UInt64(number.doubleValue * 1_000)
    }

    func text(_ name: String) throws(TokenFault) -> String? {
        guard let value = fields[name] else { return nil }
        guard let text = value as? String, PrincipalName.isValid(text) else { throw .claims }
        return text
    }

    /// One or several, RFC 7519 §4.1.3.
    func audiences() throws(TokenFault) -> [String] {
        switch fields["aud"] {
        case nil: return []
        case let one as String: return [one]
        case let several as [String]: return several
        default: throw .claims
        }
    }

    func identity(endMilliseconds: UInt64?) throws(TokenFault) -> Identity {
        var grants: [AccessAction: [AccessPattern]] = [:]
        var info: [UInt8]?
        if let own = fields["perseid"] {
            guard let own = own as? [String: Any] else { throw .claims }
            for action in AccessAction.allCases {
                if let value = own[action.rawValue] { grants[action] = try Self.patterns(value) }
            }
            if let value = own["info"] {
                guard JSONSerialization.isValidJSONObject(value),
                    let data = try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys)
                else { throw .claims }
                info = Array(data)
            }
        }
        return Identity(
            user: try text("sub"),
            endMilliseconds: endMilliseconds,
            tokenID: try text("jti"),
            issuedMilliseconds: try milliseconds("iat"),
            grants: grants,
            info: info
        )
    }

    private static func patterns(_ value: Any) throws(TokenFault) -> [AccessPattern] {
        guard let texts = value as? [String], texts.count <= grantsMax else { throw .claims }
        let patterns = texts.compactMap { AccessPattern($0) }.filter { !$0.namesUser }
        guard patterns.count == texts.count else { throw .claims }
        return patterns
    }

    /// `true` is a number to Foundation, too.
    private static func isBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
