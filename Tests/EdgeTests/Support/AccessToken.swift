import Broker
import Crypto
import Edge
import Foundation
import Trust

/// Tokens as a login service makes them, and others as strangers do.
enum AccessToken {
    static let secret = Array("a secret of the tests with more than 32 bytes".utf8)

    /// A token of these claims.
    static func make(_ claims: [String: Any], secret: [UInt8] = secret, keyName: String? = nil) throws -> String {
        let name = keyName.map { #","kid":"\#($0)""# } ?? ""
        let json = Array(try JSONSerialization.data(withJSONObject: claims))
        return sign(#"{"alg":"HS256","typ":"JWT"\#(name)}"#, json, secret: secret)
    }

    /// A token of whatever is to be its header and its claims.
    static func sign(_ header: String, _ claims: [UInt8], secret: [UInt8] = secret) -> String {
        let signed = "\(encoded(Data(header.utf8))).\(encoded(Data(claims)))"
        let code = HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: SymmetricKey(data: secret))
        return "\(signed).\(encoded(Data(code)))"
    }

    static func of(
        _ user: String,
        audience: String = "push",
        endsIn seconds: Double = 3_600,
        _ grants: [String: Any] = [:]
    ) throws
        -> String
    {
        let end = Date.now.timeIntervalSince1970 + seconds
        return try make(["sub": user, "aud": audience, "exp": end, "perseid": grants])
    }

    static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// What a client may come with.
    enum Kind: String, CaseIterable {
        case none
        case valid
        case expired
        case foreign
        case otherAudience
        case unsigned
        case garbage

        func token() throws -> String? {
            switch self {
            case .none: nil
            case .valid: try AccessToken.of("alice")
            case .expired: try AccessToken.of("alice", endsIn: -60)
            case .foreign:
                try AccessToken.make(
                    ["sub": "alice", "aud": "push"],
                    secret: Array("a stranger's secret, as long as ours is".utf8)
                )
            case .otherAudience: try AccessToken.of("alice", audience: "web")
            case .unsigned: try AccessToken.of("alice").split(separator: ".").dropLast().joined(separator: ".") + "."
            case .garbage: "garbage"
            }
        }

        /// What a request is answered that needs a user.
        var status: Int {
            switch self {
            case .none: 403
            case .valid: 200
            default: 401
            }
        }
    }
}

/// A node with rules: `room/*` is for users, `user/{sub}/**` for its owner, `granted/**` for those whose token says so, `public/**` for
/// everyone, and all else for nobody.
func withRules(_ change: (inout EdgeConfiguration) -> Void = { _ in }, _ body: (TestNode) throws -> Void) async throws {
    let keys = try await TokenKey.hmac(AccessToken.secret, name: nil)
    try withNode {
        $0.tokens.keys = keys
        $0.tokens.audience = "push"
        $0.tokens.leewayMilliseconds = 0
        $0.tokenCookie = "perseid_token"
        $0.apiKeys = ["a-key-for-tests"].map(APIKey.init(secret:))
        $0.presence = [ChannelPattern("**")!]
        func all(_ permission: Permission) -> [AccessAction: Permission] {
            Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, permission) })
        }
        $0.rules = AccessRules(
            [
                ("public/**", all(.anyone)), ("room/*", all(.users)), ("user/{sub}/**", all(.owner)),
                ("granted/**", all(.granted)),
            ]
            .map { AccessRules.Rule(channels: AccessPattern($0)!, permissions: $1) }
        )
        change(&$0)
    } _: {
        try body($0)
    }
}

extension APIKey {
    /// One that may do everything, known as its secret.
    convenience init(secret: String) { self.init(name: secret, hash: SecretHash(of: secret)) }
}
