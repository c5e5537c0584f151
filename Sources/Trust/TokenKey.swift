internal import Foundation
internal import JWTKit

/// A key that verifies tokens, for one algorithm: what a token's header says chooses among keys, and never how a key is used.
public struct TokenKey: Sendable {
    /// Its name, as `kid` in a header has it.
    public let name: String?

    /// As `alg` in a header has it.
    public let algorithmName: String

    /// Verifies, and signs where it is secret.
    let algorithm: any JWTAlgorithm

    /// Whether it signs what it verifies: nobody has it but those who make tokens.
    public let isSecret: Bool
}

/// What is wrong with keys that were given.
public struct TokenKeyError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

extension TokenKey {
    /// Bytes that a secret has at least: as many as the hash that it is used with, RFC 7518 §3.2. So a short one serves HS256 only.
    public static let secretBytesMin = 32

    /// Bits of an RSA key, RFC 7518 §3.3.
    private static let rsaBitsMin = 2_048

    /// A secret that signs and verifies.
    public static func hmac(_ secret: [UInt8], name: String?) async throws -> [TokenKey] {
        guard secret.count >= secretBytesMin else {
            throw TokenKeyError(description: "has \(secret.count) bytes and needs \(secretBytesMin)")
        }
        let key = HMACKey(from: secret)
        var keys: [TokenKey] = []
        let all = [("HS256", DigestAlgorithm.sha256, 32), ("HS384", .sha384, 48), ("HS512", .sha512, 64)]
        for (algorithm, digest, bytesMin) in all where secret.count >= bytesMin {
            let made = try await JWTKeyCollection().add(hmac: key, digestAlgorithm: digest).getKey()
            keys.append(TokenKey(name: name, algorithmName: algorithm, algorithm: made, isSecret: true))
        }
        return keys
    }

    /// The keys of a JSON Web Key Set, RFC 7517. What is in it for other uses is passed over.
    public static func set(_ json: [UInt8]) async throws -> [TokenKey] {
        guard let all = JSONObject.read(json)?["keys"] as? [[String: Any]] else {
            throw TokenKeyError(description: "is no JSON Web Key Set: {\"keys\":[…]}")
        }
        var keys: [TokenKey] = []
        for (place, each) in all.enumerated() {
            do {
                keys += try await Self.keys(each)
            } catch let error as TokenKeyError {
                throw error
            } catch {
                throw TokenKeyError(description: "key \(place + 1) is none that can be used: \(error)")
            }
        }
        guard !keys.isEmpty else { throw TokenKeyError(description: "has no key that verifies tokens") }
        return keys
    }

    private static func keys(_ fields: [String: Any]) async throws -> [TokenKey] {
        let name = fields["kid"] as? String
        if let use = fields["use"] as? String, use != "sig" { return [] }
        if fields["kty"] as? String == "oct" {
            guard let text = fields["k"] as? String, let secret = Base64URL.decode(text.utf8) else {
                throw TokenKeyError(description: "a key of the type oct has no k")
            }
            let said = fields["alg"] as? String
            return try await hmac(secret, name: name).filter { said == nil || said == $0.algorithmName }
        }
        if let bits = rsaBits(fields), bits < rsaBitsMin {
            throw TokenKeyError(description: "an RSA key has \(bits) bits and needs \(rsaBitsMin)")
        }
        var keys: [TokenKey] = []
        for algorithm in algorithms(of: fields) {
            var fields = fields
            fields["alg"] = algorithm
            fields["kid"] = name ?? "key"
            let json = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
            let made = try await JWTKeyCollection().add(jwk: JWK(json: json)).getKey()
            keys.append(TokenKey(name: name, algorithmName: algorithm, algorithm: made, isSecret: fields["d"] != nil))
        }
        return keys
    }

    private static func rsaBits(_ fields: [String: Any]) -> Int? {
        guard fields["kty"] as? String == "RSA", let modulus = fields["n"] as? String else { return nil }
        return Base64URL.decode(modulus.utf8).map { $0.drop { $0 == 0 }.count * 8 }
    }

    /// The one it is for, or those that it may be used with.
    private static func algorithms(of fields: [String: Any]) -> [String] {
        let possible: [String] =
            switch (fields["kty"] as? String, fields["crv"] as? String) {
            case ("RSA", _): ["RS256", "PS256"]
            case ("EC", "P-256"): ["ES256"]
            case ("OKP", "Ed25519"): ["EdDSA"]
            default: []
            }
        guard let said = fields["alg"] as? String else { return possible }
        return possible.filter { $0 == said }
    }
}
