/// Why a token is not taken. A client learns that it is none, or that its time is over; the operator's log says which of these it is.
public enum TokenFault: String, Error, Sendable {
    /// Not three parts of base64url with JSON in the first two.
    case malformed
    case tooLong = "too long"
    /// An algorithm that is not taken, `none` among them, or a header that must be understood and is not (RFC 7515 §4.1.11).
    case algorithm = "wrong algorithm"
    /// No key by that name, or none for that algorithm.
    case unknownKey = "unknown key"
    case signature = "wrong signature"
    case expired
    /// Taken back before its end.
    case revoked
    case notYetValid = "not valid yet"
    case noExpiry = "without an end"
    case issuer = "wrong issuer"
    case audience = "wrong audience"
    /// A claim of another type than it must have.
    case claims = "wrong claims"
    /// So many are being looked at that this one must come again.
    case overloaded
    /// So many came from there that are none that no others are looked at for now.
    case tooMany = "too many that are none"

    /// Whether its client only needs another one.
    public var isEnd: Bool { self == .expired }
}
