@testable import Trust

/// A set of keys as a login service publishes it.
enum KeySetChecks {
    private static let algorithms: Set = ["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"]

    static func check(_ bytes: [UInt8]) async throws {
        let keys: [TokenKey]
        do {
            keys = try await TokenKey.set(bytes)
        } catch let error as TokenKeyError {
            return try require(!error.description.isEmpty, "a refusal that says nothing")
        } catch {
            throw Violation(description: "an error of another kind: \(error)")
        }
        try require(!keys.isEmpty, "a set without keys")
        var policy = TokenPolicy()
        policy.keys = keys
        let verifier = TokenVerifier(policy)
        for key in keys {
            try require(algorithms.contains(key.algorithmName), "a key for \(key.algorithmName)")
            if key.algorithmName.hasPrefix("HS") { try require(key.isSecret, "a secret that is none") }
            try checkForged(key.algorithmName, verifier)
        }
    }

    /// Whatever the key is, nothing that is made without it is signed by it.
    private static func checkForged(_ algorithm: String, _ verifier: TokenVerifier) throws {
        let header = Base64URL.encode(Array("{\"alg\":\"\(algorithm)\"}".utf8))
        for count in [0, 32, 64, 256] {
            for byte: UInt8 in [0, 1, 0xff] {
                let signature = Base64URL.encode([UInt8](repeating: byte, count: count))
                let token = Array("\(header).e30.\(signature)".utf8)
                let identity = try? verifier.verify(token, nowMilliseconds: 1_700_000_000_000)
                try require(identity == nil, "\(algorithm) takes \(count) bytes of \(byte)")
            }
        }
    }
}
