internal import Foundation
internal import JWTKit

/// Makes tokens, for trying out what they allow: who logs users in makes the others.
public struct TokenMaker: Sendable {
    private let key: TokenKey

    /// Takes a key that signs; `nil` for one that only verifies.
    public init?(_ key: TokenKey) {
        guard key.isSecret else { return nil }
        self.key = key
    }

    /// A token that says this, as JSON.
    public func token(claims: [UInt8]) throws -> String {
        var header = ["alg": key.algorithmName, "typ": "JWT"]
        header["kid"] = key.name
        let json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
        let signed = "\(Base64URL.encode(json)).\(Base64URL.encode(claims))"
        return "\(signed).\(Base64URL.encode(try key.algorithm.sign(Array(signed.utf8))))"
    }
}
