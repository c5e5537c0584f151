import Broker
import Crypto
import Foundation
import JWTKit
import Testing

@testable import Trust

@Suite("Tokens")
struct TokenTests {
    private static let now: UInt64 = 1_700_000_000_000
    private static let secret = Array("a secret of at least thirty-two bytes".utf8)
    private static let other = Array("another secret, also of thirty-two bytes".utf8)

    /// A token of a header and claims, signed with HMAC by hand, so that it may be wrong in any way.
    private static func token(
        _ claims: String = #"{"sub":"alice"}"#,
        header: String = #"{"alg":"HS256","typ":"JWT"}"#,
        secret: [UInt8] = secret
    ) -> String {
        let signed = "\(Base64URL.encode(Array(header.utf8))).\(Base64URL.encode(Array(claims.utf8)))"
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: secret))
        return "\(signed).\(Base64URL.encode(Array(code)))"
    }

    private static func verifier(_ change: (inout TokenPolicy) -> Void = { _ in }) async throws -> TokenVerifier {
        var policy = TokenPolicy()
        policy.keys = try await TokenKey.hmac(secret, name: "main")
        change(&policy)
        return TokenVerifier(policy)
    }

    private func fault(_ token: String, _ verifier: TokenVerifier) -> TokenFault? {
        do throws(TokenFault) {
            _ = try verifier.verify(Array(token.utf8), nowMilliseconds: Self.now)
            return nil
        } catch { return error }
    }

    @Test("a token says who its client is, what it grants, and until when")
    func identity() async throws {
        let claims = """
            {"sub":"alice","exp":1700000060,"jti":"t1","perseid":{"subscribe":["room/*","news"],"publish":["room/1"],
            "info":{"name":"Alice"}}}
            """
        let identity = try await Self.verifier().verify(Array(Self.token(claims).utf8), nowMilliseconds: Self.now)
        #expect(identity.user == "alice" && identity.tokenID == "t1")
        #expect(identity.endMilliseconds == 1_700_000_090_000, "with the leeway")
        #expect(identity.grants[.subscribe]?.map(\.text) == ["room/*", "news"])
        #expect(identity.grants[.publish]?.count == 1 && identity.grants[.history] == nil)
        #expect(identity.info.map { String(decoding: $0, as: UTF8.self) } == #"{"name":"Alice"}"#)
    }

    @Test(
        "headers that are not taken",
        arguments: [
            (#"{"alg":"none"}"#, TokenFault.algorithm), (#"{"alg":"None"}"#, .algorithm),
            (#"{"alg":"hs256"}"#, .algorithm),
            (#"{"alg":"RS256"}"#, .algorithm), (#"{"alg":""}"#, .algorithm), (#"{"typ":"JWT"}"#, .malformed),
            (#"{"alg":256}"#, .malformed), (#"{"alg":"HS256","kid":"other"}"#, .unknownKey),
            (#"{"alg":"HS256","kid":7}"#, .malformed), (#"{"alg":"HS384"}"#, .algorithm),
            (#"{"alg":"HS256","crit":["exp"]}"#, .algorithm), (#"{"alg":"HS256","cty":"JWT"}"#, .algorithm),
            ("[]", .malformed), ("", .malformed), ("{", .malformed),
        ]
    )
    func headers(header: String, expected: TokenFault) async throws {
        #expect(fault(Self.token(header: header), try await Self.verifier()) == expected)
    }

    @Test("a token without a signature is none, whatever its header says")
    func unsigned() async throws {
        let verifier = try await Self.verifier()
        for header in [#"{"alg":"none"}"#, #"{"alg":"HS256"}"#] {
            let parts = Self.token(header: header).split(separator: ".")
            #expect(fault("\(parts[0]).\(parts[1]).", verifier) != nil)
            #expect(fault("\(parts[0]).\(parts[1])", verifier) == .malformed)
        }
    }

    @Test(
        "claims that are not taken",
        arguments: [
            (#"{"sub":"a","exp":1699999969}"#, TokenFault.expired), (#"{"sub":"a","exp":1699999971}"#, nil),
            (#"{"sub":"a","nbf":1700000031}"#, .notYetValid), (#"{"sub":"a","nbf":1700000029}"#, nil),
            (#"{"sub":"a","exp":"1800000000"}"#, .claims), (#"{"sub":"a","exp":true}"#, .claims),
            (#"{"sub":"a","exp":-1}"#, .claims), (#"{"sub":"a","exp":1e300}"#, .claims),
            (#"{"sub":"a","exp":null}"#, .claims),
            (#"{"sub":7}"#, .claims), (#"{"sub":""}"#, .claims), (#"{"sub":["a"]}"#, .claims), (#"[]"#, .malformed),
            ("7", .malformed), ("", .malformed), (#"{"perseid":[]}"#, .claims),
            (#"{"perseid":{"subscribe":"a"}}"#, .claims),
            (#"{"perseid":{"subscribe":["a*"]}}"#, .claims), (#"{"perseid":{"subscribe":["**/a"]}}"#, .claims),
            (#"{"perseid":{"subscribe":[7]}}"#, .claims), (#"{"perseid":{"publish":["user/{sub}"]}}"#, .claims),
            (#"{"perseid":{"info":"text"}}"#, .claims), (#"{"jti":9}"#, .claims), ("{}", nil),
        ] as [(String, TokenFault?)]
    )
    func claims(claims: String, expected: TokenFault?) async throws {
        #expect(fault(Self.token(claims), try await Self.verifier()) == expected)
    }

    @Test("who made it, whom it is for, and whether it ends are asked where the settings say so")
    func policy() async throws {
        let strict = try await Self.verifier {
            $0.issuer = "login"
            $0.audience = "push"
            $0.needsExpiry = true
        }
        let good = #"{"iss":"login","aud":["web","push"],"exp":1800000000}"#
        #expect(fault(Self.token(good), strict) == nil)
        #expect(fault(Self.token(good.replacing(#"["web","push"]"#, with: #""push""#)), strict) == nil)
        #expect(fault(Self.token(good.replacing("login", with: "logout")), strict) == .issuer)
        #expect(fault(Self.token(good.replacing("push", with: "pull")), strict) == .audience)
        #expect(fault(Self.token(#"{"iss":"login","exp":1800000000}"#), strict) == .audience)
        #expect(fault(Self.token(#"{"iss":"login","aud":7,"exp":1800000000}"#), strict) == .claims)
        #expect(fault(Self.token(#"{"iss":"login","aud":"push"}"#), strict) == .noExpiry)
    }

    @Test("bytes that are no token", arguments: ["", ".", "..", "...", "a.b.c", "e30.e30.e30=", "é.é.é", "e30.e30"])
    func malformed(text: String) async throws {
        #expect(fault(text, try await Self.verifier()) == .malformed)
    }

    @Test("what is not exactly what was signed is not taken")
    func changed() async throws {
        let verifier = try await Self.verifier()
        #expect(fault(Self.token(secret: Self.other), verifier) == .signature)
        let token = Self.token(#"{"sub":"alice","x":1}"#)
        #expect(fault(token, verifier) == nil)
        for place in token.indices where token[place] != "." {
            var changed = token
            changed.replaceSubrange(place...place, with: token[place] == "A" ? "B" : "A")
            #expect(fault(changed, verifier) != nil, "at \(token.distance(from: token.startIndex, to: place))")
        }
        #expect(fault(token + "=", verifier) == .malformed && fault(token + ".e30", verifier) == .malformed)
        #expect(fault(String(repeating: "a", count: 8_193), verifier) == .tooLong)
    }

    @Test("several keys at a time: by name, and each is tried for a token that names none")
    func severalKeys() async throws {
        let more = try await TokenKey.hmac(Self.other, name: "next")
        let verifier = try await Self.verifier { $0.keys += more }
        #expect(fault(Self.token(), verifier) == nil && fault(Self.token(secret: Self.other), verifier) == nil)
        let named = #"{"alg":"HS256","kid":"main"}"#
        #expect(fault(Self.token(header: named), verifier) == nil)
        #expect(fault(Self.token(header: named, secret: Self.other), verifier) == .signature)
    }

    @Test("a secret that is too short is refused; it serves those algorithms whose hash it is as long as")
    func shortSecret() async throws {
        let names = { (count: Int) async throws in
            Set(try await TokenKey.hmac([UInt8](repeating: 7, count: count), name: nil).map(\.algorithmName))
        }
        #expect(try await names(32) == ["HS256"])
        #expect(try await names(48) == ["HS256", "HS384"])
        #expect(try await names(64) == ["HS256", "HS384", "HS512"])
        await #expect(throws: TokenKeyError.self) { try await TokenKey.hmac(Array("short".utf8), name: nil) }
    }

    // MARK: Asymmetric keys

    private struct Claims: JWTPayload {
        var sub = "alice"
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private static func jwks(_ keys: [String: String]...) -> [UInt8] {
        try! Array(JSONSerialization.data(withJSONObject: ["keys": keys]))
    }

    private func verifier(_ jwks: [UInt8]) async throws -> TokenVerifier {
        let keys = try await TokenKey.set(jwks)
        return try await Self.verifier { $0.keys += keys }
    }

    @Test("ES256 and EdDSA by a set of keys; a public key is no secret, whatever the header says")
    func curves() async throws {
        let p256 = P256.Signing.PrivateKey()
        let point = p256.publicKey.rawRepresentation
        let ed = Curve25519.Signing.PrivateKey()
        let set = Self.jwks(
            [
                "kty": "EC", "crv": "P-256", "kid": "e1", "x": Base64URL.encode(point.prefix(32)),
                "y": Base64URL.encode(point.suffix(32)),
            ],
            ["kty": "OKP", "crv": "Ed25519", "kid": "o1", "x": Base64URL.encode(ed.publicKey.rawRepresentation)],
            ["kty": "EC", "crv": "P-256", "kid": "enc", "use": "enc", "x": "AA", "y": "AA"]
        )
        let verifier = try await verifier(set)
        let signers = JWTKeyCollection()
        await signers.add(ecdsa: try ES256PrivateKey(backing: p256), kid: "e1")
        await signers.add(eddsa: EdDSA.PrivateKey(backing: ed), kid: "o1")
        for kid in ["e1", "o1"] as [JWKIdentifier] {
            let token = try await signers.sign(Claims(), kid: kid)
            #expect(fault(token, verifier) == nil)
            // Signed by another key of that name.
            let strangers = JWTKeyCollection()
            await strangers.add(ecdsa: ES256PrivateKey(), kid: "e1")
            try await strangers.add(eddsa: EdDSA.PrivateKey(curve: .ed25519), kid: "o1")
            #expect(fault(try await strangers.sign(Claims(), kid: kid), verifier) == .signature)
        }
        // Confusion: HMAC with what everybody knows of the key.
        for secret in [
            Array(point), Array(p256.publicKey.pemRepresentation.utf8), Array(p256.publicKey.derRepresentation),
        ] {
            for header in [#"{"alg":"HS256","kid":"e1"}"#, #"{"alg":"HS256"}"#] {
                #expect(fault(Self.token(header: header, secret: secret), verifier) != nil)
            }
        }
        #expect(fault(Self.token(header: #"{"alg":"HS256","kid":"e1"}"#), verifier) == .unknownKey)
    }

    @Test("RS256 and PS256: a key without alg serves both, one with alg only that")
    func rsa() async throws {
        let key = try Insecure.RSA.PrivateKey(pem: Self.rsaKey)
        let (modulus, exponent) = try key.publicKey.getKeyPrimitives()
        var fields = ["kty": "RSA", "kid": "r1", "n": Base64URL.encode(modulus), "e": Base64URL.encode(exponent)]
        let both = try await verifier(Self.jwks(fields))
        fields["alg"] = "RS256"
        let one = try await verifier(Self.jwks(fields))
        let (rs, ps) = (JWTKeyCollection(), JWTKeyCollection())
        await rs.add(rsa: key, digestAlgorithm: .sha256, kid: "r1")
        await ps.add(pss: key, digestAlgorithm: .sha256, kid: "r1")
        let (rsToken, psToken) = (try await rs.sign(Claims(), kid: "r1"), try await ps.sign(Claims(), kid: "r1"))
        #expect(fault(rsToken, both) == nil && fault(psToken, both) == nil)
        #expect(fault(rsToken, one) == nil && fault(psToken, one) == .algorithm)
    }

    @Test(
        "sets that are refused",
        arguments: [
            "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[{"kty":"EC","crv":"P-256"}]}"#,
            #"{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}"#, #"{"keys":[{"kty":"oct"}]}"#,
            #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, #"{"keys":[{"kty":"unknown"}]}"#,
        ]
    )
    func badSets(text: String) async throws {
        await #expect(throws: TokenKeyError.self) { try await TokenKey.set(Array(text.utf8)) }
    }

    /// Made for this test, and of no use elsewhere.
    private static let rsaKey = """
        -----BEGIN RSA PRIVATE KEY-----
        MIIEowIBAAKCAQEArLuoeUnprjHwOY5qvCkXKmXLhTk9UWtSICMPZZAlHZKUknst
        uW4Sw1S+n8VasqUKTV4TqJBCR9jDqH2qkt/XhGOzdsDu9M+daf0WHqlfEcXWa2lv
        cKBhQ+C6uT3vghMttGonhM8ip0t1+KWdXUJWMIW040XEarICpCcz1S/x9kh+EJcU
        iZWqlt6wwZvaNdDFqIoUYBQGFlILutlhxMCkKeTrjlNvV10FjElI7ZPWKYanVsZg
        U9PNLJF7Kn8trlMLkEnJ5M34w8meULTn2Qx1eIhfSHrNiMfwOhO+CggmqAzgynHh
        EaFeU2JZAINBXnw3bDHuQXqoBG/2AUbNhc2fXQIDAQABAoIBABIKrsvuX7FRZ39H
        hBf/rbsAs2uIoUI4FLWlG9ZWoj3OweRz58B6wgxzdU6wWSsYKHWQyjpcyQOCnVsj
        txWMulDKbiQM/liFN/KqW+1bcQHk+WKyOlDX+5jQqAgxsyrRsIAr51FMpli1fc65
        E7D6PRDn4k8ryhp/2d1F9/jAP4Ri/UQRnz82/83WIwOofAfzHs7ZQex0baIsuvpz
        VmqDKqfeP44DFPruRw7ebM94k1Ibq6e/1+aXqps98DhW2cK694E2+l+mWYkDHsJI
        ajwtMmol0YJZXEdbRdlESFR0bdGa06pbWECwHjzC0a++2igCf8N+rFvrBis50SfU
        Q/imrtkCgYEA7O1B2DofBQC5ZKCC4Xf+YYMO3KxbTW7L0PIB/uuSKn0yhyrIZ1Ea
        r0w8pTDA/oxRlJh2grMMLQ4zaT6OpNApMey1pNXzVioeORPK1o1yKQS3m/aDiZz3
        3ZeLrseUaDSlxQAkqLYsT+wC8HMVQ87E3s5mpdAeOPjQnVHs2Ko/uwUCgYEAuqN0
        OhT7cBEFCaSZV93DencGj/tdBINFmY3cp6hFXbVznODgxr7UCmt87in0r6Do+gt+
        F/i84n6XYlht2i2F9mQy4MrMt1Lz/Ay/kFfJqPjVB6PylfSP4WYQI4B3pE7ljRTK
        A4pZnj3lXua8LzZw3k5JscCyRMt3ZBE3UIOucnkCgYEAmotkoOPAqiW/yLi+xs3b
        u8WeYyl2YPr9rey+ioclD9wconiwwlvwGRqUkHhN23yyFkihPT4HmjgiJutsZmt2
        A5/RGJWKpdDRaA/WBr+7ELCICA7z3Ebsk7mvnrGGx7ZXzzn5r6ctHnDnteqLm3B7
        kI53/H7Vx/ndMlFnOilLavUCgYAT6MHKPFjCEJ63854D+H0UwEOr8kVu6M3w3mgu
        Xk3f/C40Cu0PZmXaIrM1+LXIUmLn4Xf2+Kq1gomFjSdSwc5rhS7EOf3yhF/QgE+j
        BypU4w5efUewZWE/yxJnpxmcJmpoTVJrZEPBFJs2L2jdpHIP1MwZsROTMR0wSIHd
        Dd77CQKBgASKF2O+JSXH4LyFhwBqjIr5sy0D6d4WMQ+zswhLdpw5Zm7/mdaRzQYR
        1Xn+fOeEbL29oLzJ7kZ/1G+zhQWHYbns5HcCZYPs81HWs3yPwPPkQRHrU8j8Jg6h
        x3o4CpDuJQbsOL+zARzhd1fmRH1OEHlhVkhdPIc1cYaBuAeg0FxV
        -----END RSA PRIVATE KEY-----
        """
}
