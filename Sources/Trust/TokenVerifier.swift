public import Broker
internal import Foundation
internal import JWTKit

/// Verifies tokens: JSON Web Tokens as a signature makes them, RFC 7515 and RFC 7519, with the advice of RFC 8725.
///
/// Thread: any. A signature of an asymmetric key takes some 100 µs, so no reactor does this.
public struct TokenVerifier: Sendable {
    private let policy: TokenPolicy

    /// Makes one.
    public init(_ policy: TokenPolicy) { self.policy = policy }

    /// Says who a client is that shows a token.
    public func verify(_ token: [UInt8], nowMilliseconds: UInt64) throws(TokenFault) -> Identity {
        guard token.count <= policy.bytesMax else { throw .tooLong }
        // One with five parts is encrypted, and nobody here can read it.
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        let signed = token[..<parts[1].endIndex]
        let candidates = try keys(for: header)
        guard candidates.contains(where: { (try? $0.algorithm.verify(signature, signs: signed)) ?? false }) else {
            throw .signature
        }
        return try identity(TokenClaims(body), nowMilliseconds)
    }

    /// Keys that a token with this header may have been signed with.
    private func keys(for json: [UInt8]) throws(TokenFault) -> [TokenKey] {
        guard let header = JSONObject.read(json), let algorithm = header["alg"] as? String
        else { throw .malformed }
        // What it says must be understood, and a token within a token is none of ours.
        guard header["crit"] == nil, (header["cty"] as? String)?.lowercased() != "jwt" else { throw .algorithm }
        let possible = policy.keys.filter { $0.algorithmName == algorithm }
        guard !possible.isEmpty else { throw .algorithm }
        guard let value = header["kid"] else { return possible }
        guard let name = value as? String else { throw .malformed }
        let named = possible.filter { $0.name == name }
        guard !named.isEmpty else { throw .unknownKey }
        return named
    }

    private func identity(_ claims: TokenClaims, _ now: UInt64) throws(TokenFault) -> Identity {
        if let issuer = policy.issuer, try claims.text("iss") != issuer { throw .issuer }
        if let audience = policy.audience, try !claims.audiences().contains(audience) { throw .audience }
        if let begin = try claims.milliseconds("nbf"), begin > now + policy.leewayMilliseconds { throw .notYetValid }
        var end = try claims.milliseconds("exp")
        if end == nil, policy.needsExpiry { throw .noExpiry }
        end = end.map { $0 + policy.leewayMilliseconds }
        if let end, end <= now { throw .expired }
        return try claims.identity(endMilliseconds: end)
    }
}
