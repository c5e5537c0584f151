import Crypto
import Foundation

/// Tokens of strangers, and some that whoever has the key should not have made: `taken`, or why not.
///
/// The node has one secret, called `main`, and one public key for ES256, called `e1`.
enum HostileTokenRows {
    static let all = unsigned + confused + headers + forms + times + claims

    static let publicKey = P256.Signing.PrivateKey().publicKey

    private static let good = #"{"sub":"alice","aud":"push","exp":9999999999}"#

    private static func row(_ name: String, _ token: String, _ answer: String) -> HostileRow {
        HostileRow(name, token, answer)
    }

    /// A token that the right secret signs.
    private static func header(_ name: String, _ header: String, _ answer: String) -> HostileRow {
        row(name, AccessToken.sign(header, Array(good.utf8)), answer)
    }

    private static func claim(_ name: String, _ json: String, _ answer: String) -> HostileRow {
        claim(name, Array(json.utf8), answer)
    }

    private static func claim(_ name: String, _ json: [UInt8], _ answer: String) -> HostileRow {
        row(name, AccessToken.sign(#"{"alg":"HS256"}"#, json), answer)
    }

    private static func encoded(_ text: String) -> String { AccessToken.encoded(Data(text.utf8)) }

    private static let unsigned: [HostileRow] = [
        row("none, and no signature", "\(encoded(#"{"alg":"none"}"#)).\(encoded(good)).", "wrong algorithm"),
        row("None", "\(encoded(#"{"alg":"None"}"#)).\(encoded(good)).", "wrong algorithm"),
        row("NONE", "\(encoded(#"{"alg":"NONE"}"#)).\(encoded(good)).", "wrong algorithm"),
        row("nOnE", "\(encoded(#"{"alg":"nOnE"}"#)).\(encoded(good)).", "wrong algorithm"),
        header("none, and a good signature", #"{"alg":"none"}"#, "wrong algorithm"),
        row("no signature", "\(encoded(#"{"alg":"HS256"}"#)).\(encoded(good)).", "wrong signature"),
        row("no third part", "\(encoded(#"{"alg":"HS256"}"#)).\(encoded(good))", "malformed"),
        row(
            "a signature of noughts",
            "\(encoded(#"{"alg":"HS256"}"#)).\(encoded(good)).\(noughts(32))",
            "wrong signature"
        ),
        row(
            "half a signature",
            String(AccessToken.sign(#"{"alg":"HS256"}"#, Array(good.utf8)).dropLast(22)),
            "malformed"
        ),
        row(
            "curves' signature of noughts",
            "\(encoded(#"{"alg":"ES256","kid":"e1"}"#)).\(encoded(good)).\(noughts(64))",
            "wrong signature"
        ),
        row(
            "curves' signature of nothing",
            "\(encoded(#"{"alg":"ES256","kid":"e1"}"#)).\(encoded(good)).",
            "wrong signature"
        ),
        row(
            "a foreign secret",
            AccessToken.sign(#"{"alg":"HS256"}"#, Array(good.utf8), secret: [UInt8](repeating: 7, count: 32)),
            "wrong signature"
        ),
        row("an empty secret", AccessToken.sign(#"{"alg":"HS256"}"#, Array(good.utf8), secret: []), "wrong signature"),
    ]

    private static func noughts(_ count: Int) -> String { AccessToken.encoded(Data(count: count)) }

    private static func confused(_ name: String, _ secret: some Sequence<UInt8>, _ header: String, _ answer: String)
        -> HostileRow
    {
        row(name, AccessToken.sign(header, Array(good.utf8), secret: Array(secret)), answer)
    }

    private static let confused: [HostileRow] = [
        confused(
            "the public key as a secret",
            publicKey.pemRepresentation.utf8,
            #"{"alg":"HS256"}"#,
            "wrong signature"
        ),
        confused("the public key's bytes as one", publicKey.rawRepresentation, #"{"alg":"HS256"}"#, "wrong signature"),
        confused("the public key's DER as one", publicKey.derRepresentation, #"{"alg":"HS256"}"#, "wrong signature"),
        confused(
            "the public key by its name",
            publicKey.pemRepresentation.utf8,
            #"{"alg":"HS256","kid":"e1"}"#,
            "unknown key"
        ),
        confused("the secret for curves", AccessToken.secret, #"{"alg":"ES256"}"#, "wrong signature"),
        confused("the secret's name for curves", AccessToken.secret, #"{"alg":"ES256","kid":"main"}"#, "unknown key"),
        header("a hash that is longer than the secret", #"{"alg":"HS384"}"#, "wrong algorithm"),
        header("the longest hash", #"{"alg":"HS512"}"#, "wrong algorithm"),
        header("RSA, of which there is no key", #"{"alg":"RS256"}"#, "wrong algorithm"),
        header("a curve of which there is no key", #"{"alg":"EdDSA"}"#, "wrong algorithm"),
    ]

    private static let headers: [HostileRow] = [
        header("an algorithm in small letters", #"{"alg":"hs256"}"#, "wrong algorithm"),
        header("an algorithm with a space", #"{"alg":"HS256 "}"#, "wrong algorithm"),
        header("an algorithm with a NUL", #"{"alg":"HS256\u0000"}"#, "wrong algorithm"),
        header("no algorithm", #"{"typ":"JWT"}"#, "malformed"),
        header("an algorithm that is a list", #"{"alg":["HS256"]}"#, "malformed"),
        header("an algorithm that is null", #"{"alg":null}"#, "malformed"),
        header("two algorithms, the right one first", #"{"alg":"HS256","alg":"none"}"#, "wrong algorithm"),
        header("a key out of the directory", #"{"alg":"HS256","kid":"../../../../dev/null"}"#, "unknown key"),
        header("a key by a question", #"{"alg":"HS256","kid":"' OR 1=1 --"}"#, "unknown key"),
        header("a key without a name", #"{"alg":"HS256","kid":""}"#, "unknown key"),
        header("a key that is a list", #"{"alg":"HS256","kid":["main"]}"#, "malformed"),
        header("a key that is null", #"{"alg":"HS256","kid":null}"#, "malformed"),
        header("a key that is a map", #"{"alg":"HS256","kid":{"$ne":""}}"#, "malformed"),
        row(
            "a key within",
            AccessToken.sign(
                #"{"alg":"HS256","jwk":{"kty":"oct","k":"\#(noughts(32))"}}"#,
                Array(good.utf8),
                secret: [UInt8](repeating: 0, count: 32)
            ),
            "wrong signature"
        ),
        row(
            "a key somewhere else",
            AccessToken.sign(
                #"{"alg":"HS256","jku":"http://127.0.0.1:1/keys","x5u":"http://127.0.0.1:1/c"}"#,
                Array(good.utf8),
                secret: [UInt8](repeating: 0, count: 32)
            ),
            "wrong signature"
        ),
        header("what must be understood", #"{"alg":"HS256","crit":["exp"],"exp":1}"#, "wrong algorithm"),
        header("a body as it is", #"{"alg":"HS256","b64":false,"crit":["b64"]}"#, "wrong algorithm"),
        header("nothing that must be understood", #"{"alg":"HS256","crit":[]}"#, "wrong algorithm"),
        header("null that must be understood", #"{"alg":"HS256","crit":null}"#, "wrong algorithm"),
        header("a token within", #"{"alg":"HS256","cty":"JWT"}"#, "wrong algorithm"),
        header("a token within, in small letters", #"{"alg":"HS256","cty":"jwt"}"#, "wrong algorithm"),
        header("a header that is a list", #"[{"alg":"HS256"}]"#, "malformed"),
        header("a header that is no JSON", "alg=HS256", "malformed"),
        header("a header that nests", #"{"alg":"HS256","x":\#(nested(2_000))}"#, "malformed"),
    ]

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static let right = AccessToken.sign(#"{"alg":"HS256"}"#, Array(good.utf8))

    private static let forms: [HostileRow] = [
        row("dots", "...", "malformed"),
        row("two dots", "..", "malformed"),
        row("no dots", right.replacing(".", with: ""), "malformed"),
        row("four parts", "\(right).e30", "malformed"),
        row(
            "five parts, as one that is encrypted has",
            "\(encoded(#"{"alg":"dir","enc":"A256GCM"}"#))..AA.AA.AA",
            "malformed"
        ),
        row("a dot in front", ".\(right)", "malformed"),
        row("padding behind", "\(right)=", "malformed"),
        row("padding within", right.replacing(".", with: "=."), "malformed"),
        row("the other base64", "\(right.dropLast())/", "malformed"),
        row("a last digit that says more", String(right.dropLast()) + other(than: right), "malformed"),
        row("a percent", right.replacing(".", with: "%2E"), "malformed"),
        row("a token twice", "\(right)\(right)", "malformed"),
        row("a token that is too long", "\(right)\(String(repeating: "A", count: 8_192))", "too long"),
        row("letters that look alike", right.replacing("e", with: "\u{435}"), "malformed"),
    ]

    /// A last digit that stands for the same bytes, with bits behind them. Of 32 bytes the last digit has two that say nothing.
    private static func other(than token: String) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let place = token.last.flatMap { digits.firstIndex(of: $0) } ?? 0
        return String(digits[place | 1])
    }

    private static let times: [HostileRow] = [
        claim("over", #"{"sub":"alice","aud":"push","exp":1}"#, "expired"),
        claim("over since the beginning", #"{"sub":"alice","aud":"push","exp":0}"#, "expired"),
        claim("no end", #"{"sub":"alice","aud":"push"}"#, "without an end"),
        claim("an end in text", #"{"sub":"alice","aud":"push","exp":"9999999999"}"#, "wrong claims"),
        claim("an end below nothing", #"{"sub":"alice","aud":"push","exp":-1}"#, "wrong claims"),
        claim("an end that is no number", #"{"sub":"alice","aud":"push","exp":NaN}"#, "malformed"),
        claim("an end without an end", #"{"sub":"alice","aud":"push","exp":Infinity}"#, "malformed"),
        claim("an end beyond numbers", #"{"sub":"alice","aud":"push","exp":1e999}"#, "malformed"),
        claim("an end in the far future", #"{"sub":"alice","aud":"push","exp":1e300}"#, "wrong claims"),
        claim(
            "an end of many digits",
            #"{"sub":"alice","aud":"push","exp":\#(String(repeating: "9", count: 400))}"#,
            "malformed"
        ),
        claim("an end that is true", #"{"sub":"alice","aud":"push","exp":true}"#, "wrong claims"),
        claim("an end that is null", #"{"sub":"alice","aud":"push","exp":null}"#, "wrong claims"),
        claim("an end that is a list", #"{"sub":"alice","aud":"push","exp":[9999999999]}"#, "wrong claims"),
        claim(
            "two ends, of which the last counts",
            #"{"sub":"alice","aud":"push","exp":9999999999,"exp":1}"#,
            "expired"
        ),
        claim("not yet", #"{"sub":"alice","aud":"push","exp":9999999999,"nbf":9999999998}"#, "not valid yet"),
        claim("a beginning in text", #"{"sub":"alice","aud":"push","exp":9999999999,"nbf":"1"}"#, "wrong claims"),
        claim("made at no time", #"{"sub":"alice","aud":"push","exp":9999999999,"iat":{}}"#, "wrong claims"),
    ]

    private static let claims: [HostileRow] = [
        claim("for nobody", #"{"sub":"alice","exp":9999999999}"#, "wrong audience"),
        claim("for another", #"{"sub":"alice","aud":"web","exp":9999999999}"#, "wrong audience"),
        claim("for others", #"{"sub":"alice","aud":["web","pushy"],"exp":9999999999}"#, "wrong audience"),
        claim("for all", #"{"sub":"alice","aud":"*","exp":9999999999}"#, "wrong audience"),
        claim("for a number", #"{"sub":"alice","aud":7,"exp":9999999999}"#, "wrong claims"),
        claim("for a list of lists", #"{"sub":"alice","aud":[["push"]],"exp":9999999999}"#, "wrong claims"),
        claim("of a user that is a number", #"{"sub":7,"aud":"push","exp":9999999999}"#, "wrong claims"),
        claim("of a user without a name", #"{"sub":"","aud":"push","exp":9999999999}"#, "wrong claims"),
        claim(
            "of a user with a long name",
            #"{"sub":"\#(String(repeating: "x", count: 1_025))","aud":"push","exp":9999999999}"#,
            "wrong claims"
        ),
        claim(
            "of a user whose name breaks lines",
            #"{"sub":"alice\nnotice audit","aud":"push","exp":9999999999}"#,
            "wrong claims"
        ),
        claim("of a user with a NUL", #"{"sub":"alice\u0000","aud":"push","exp":9999999999}"#, "wrong claims"),
        claim("of half of a pair", #"{"sub":"\ud800","aud":"push","exp":9999999999}"#, "malformed"),
        claim(
            "of a name of its own that breaks lines",
            #"{"sub":"alice","jti":"a\rb","aud":"push","exp":9999999999}"#,
            "wrong claims"
        ),
        claim(
            "that grants a text",
            #"{"sub":"a","aud":"push","exp":9999999999,"perseid":{"subscribe":"**"}}"#,
            "wrong claims"
        ),
        claim(
            "that grants stars within",
            #"{"sub":"a","aud":"push","exp":9999999999,"perseid":{"subscribe":["a/**/b"]}}"#,
            "wrong claims"
        ),
        claim(
            "that grants what is everyone's own",
            #"{"sub":"a","aud":"push","exp":9999999999,"perseid":{"subscribe":["user/{sub}"]}}"#,
            "wrong claims"
        ),
        claim(
            "that grants too much",
            #"{"sub":"a","aud":"push","exp":9999999999,"perseid":{"subscribe":[\#([String](repeating: "\"a\"", count: 257).joined(separator: ","))]}}"#,
            "wrong claims"
        ),
        claim(
            "that tells a text",
            #"{"sub":"a","aud":"push","exp":9999999999,"perseid":{"info":"x"}}"#,
            "wrong claims"
        ),
        claim("that are a token", AccessToken.sign(#"{"alg":"HS256"}"#, Array(good.utf8)), "malformed"),
        claim("that are a list", "[\(good)]", "malformed"),
        claim("that are nothing", "", "malformed"),
        claim("that nest", #"{"x":\#(nested(2_000))}"#, "malformed"),
        claim(
            "in other bytes",
            Array(#"{"sub":""#.utf8) + [0xc0, 0xaf] + Array(#"","aud":"push","exp":9999999999}"#.utf8),
            "malformed"
        ),
        claim("in UTF-16", good.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, "malformed"),
        claim("that begin with a mark of order", [0xef, 0xbb, 0xbf] + Array(good.utf8), "malformed"),
        claim("that are right", good, "taken"),
    ]
}
