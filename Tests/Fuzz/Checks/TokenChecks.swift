import Broker

@testable import Trust

/// Tokens as a stranger makes them, and headers and claims that the right key has signed.
struct TokenChecks {
    private static let now: UInt64 = 1_700_000_000_000
    private let verifiers: [TokenVerifier]
    private let maker: TokenMaker

    /// Makes keys.
    init() async throws {
        var policy = TokenPolicy()
        policy.keys = try await TokenKey.hmac(Array("thirty-two bytes, known to all who fuzz".utf8), name: "main")
        var strict = policy
        (strict.issuer, strict.audience, strict.needsExpiry, strict.bytesMax) = ("me", "you", true, 256)
        verifiers = [TokenVerifier(policy), TokenVerifier(strict)]
        guard let key = policy.keys.first, let maker = TokenMaker(key) else {
            throw Violation(description: "a secret that signs nothing")
        }
        self.maker = maker
    }

    func check(_ bytes: [UInt8]) throws {
        try checkBase64(bytes)
        for verifier in verifiers {
            // Nobody comes upon a signature by chance.
            try require((try? verifier.verify(bytes, nowMilliseconds: Self.now)) == nil, "a token that nobody signed")
        }
        let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            let forged = "\(Base64URL.encode(parts[0])).\(Base64URL.encode(parts[1])).AAAA"
            let identity = try? verifiers[0].verify(Array(forged.utf8), nowMilliseconds: Self.now)
            try require(identity == nil, "a token of a foreign signature")
        }
        try checkClaims(Array(parts.last ?? []))
    }

    private func checkClaims(_ claims: [UInt8]) throws {
        guard let token = try? maker.token(claims: claims) else { throw Violation(description: "nothing signed") }
        var bytes = Array(token.utf8)
        for verifier in verifiers {
            guard let identity = try? verifier.verify(bytes, nowMilliseconds: Self.now) else { continue }
            try require(identity.endMilliseconds.map { $0 > Self.now } ?? true, "a token that is over")
            try require(
                (1...1_024).contains(identity.user?.utf8.count ?? 1),
                "a user without a name, or with a long one"
            )
            try SessionTextChecks.check(identity)
        }
        var pieces = Pieces(claims)
        let place = pieces.number(below: bytes.count)
        bytes[place] ^= UInt8(truncatingIfNeeded: 1 << pieces.number(below: 8))
        let changed = try? verifiers[0].verify(bytes, nowMilliseconds: Self.now)
        try require(changed == nil, "a token that was changed at \(place)")
    }

    /// No two texts stand for the same bytes.
    private func checkBase64(_ bytes: [UInt8]) throws {
        if let decoded = Base64URL.decode(bytes) {
            try requireSame(Array(Base64URL.encode(decoded).utf8), bytes, "base64, written anew")
        }
        try requireSame(Base64URL.decode(Base64URL.encode(bytes).utf8), bytes, "base64 of bytes")
    }
}
