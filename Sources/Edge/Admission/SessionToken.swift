internal import Broker
internal import Crypto

/// What a client shows to resume its session: `<id>.<secret>`, 128 random bits each, in lower-case hexadecimal.
///
/// The node keeps it no longer than it takes to hand it out; what is kept is the id and a hash of the secret.
struct SessionToken {
    let id: SessionID
    let secret: SecretHash

    /// As the client has it.
    let text: String

    /// Draws a new one. A client of Bayeux has it without the dot, for its `clientId` has letters and digits only.
    init(using generator: inout SystemRandomNumberGenerator, isBayeux: Bool = false) {
        id = SessionID(using: &generator)
        let secret = "\(SessionID(using: &generator))"
        self.secret = Self.hash(secret)
        text = isBayeux ? "\(id)\(secret)" : "\(id).\(secret)"
    }

    /// Reads a `clientId`, or `nil` where it is none.
    init?(clientID: String) {
        guard clientID.utf8.count == 64 else { return nil }
        let middle = clientID.utf8.index(clientID.startIndex, offsetBy: 32)
        let secret = clientID[middle...]
        guard let id = SessionID(clientID[..<middle]), SessionID(secret) != nil else { return nil }
        self.id = id
        self.secret = Self.hash(String(secret))
        text = clientID
    }

    /// Reads one, or `nil` where it is none.
    init?(_ text: String) {
        let halves = text.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count == 2, let id = SessionID(halves[0]), SessionID(halves[1]) != nil else { return nil }
        self.id = id
        secret = Self.hash(String(halves[1]))
        self.text = text
    }

    /// What only its client has.
    var secretOfClient: SessionID {
        // bounded: a token is read or drawn with 32 hexadecimal digits at its end
        guard let secret = SessionID(text.suffix(32)) else { preconditionFailure("a token ends with its secret") }
        return secret
    }

    private static func hash(_ secret: String) -> SecretHash {
        SecretHash(SHA256.hash(data: Array(secret.utf8)))
    }
}

/// What a request says about sessions.
enum SessionChoice {
    /// `session=none`
    case declined
    /// Nothing: a new one.
    case new
    /// A token.
    case known(SessionToken)
    /// Something that is no token.
    case malformed

    /// Reads the parameter.
    init(_ text: String?) {
        switch text {
        case nil: self = .new
        case "none": self = .declined
        case let text?: self = SessionToken(text).map { .known($0) } ?? .malformed
        }
    }
}
