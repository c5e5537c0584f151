internal import Text

/// The body of a request to the server API: a JSON object of a few fields, or nothing. `null` is no value.
public struct ControlBody: Sendable, Equatable {
    /// The channel that is meant.
    public private(set) var channel: String?

    /// Whether who is sent away may come back; `nil` where it is not said.
    public private(set) var mayReturn: Bool?

    /// A token, or the name that one has in `jti`.
    public private(set) var token: String?
    public private(set) var tokenID: String?

    /// A user's name.
    public private(set) var user: String?

    /// When something is over, in seconds since 1970.
    public private(set) var expires: UInt64?

    private static let names: [StaticString] = ["channel", "reconnect", "token", "jti", "user", "expires"]

    /// Reads one; nothing at all says nothing.
    public init(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) {
        guard bytes.count > 0 else { return }
        guard let fields = JSONFields(bytes, Self.names) else {
            throw HTTPRejection(status: 400, field: "body", reason: "not a JSON object")
        }
        func text(
            _ place: Int,
            isValid: (String) -> Bool = PrincipalName.isValid
        ) throws(HTTPRejection) -> String? {
            guard let raw = fields.raw(place) else { return nil }
            guard let text = raw.jsonString, isValid(text) else {
                throw HTTPRejection(
                    status: 400,
                    field: Self.names[place],
                    reason: "must be a text, not empty, not longer than a name, and on one line"
                )
            }
            return text
        }
        channel = try text(0)
        if let raw = fields.raw(1) {
            guard raw.elementsEqual("true".utf8) || raw.elementsEqual("false".utf8) else {
                throw HTTPRejection(status: 400, field: "reconnect", reason: "must be true or false")
            }
            mayReturn = raw.isJSONTrue
        }
        token = try text(2) { !$0.isEmpty }
        tokenID = try text(3)
        user = try text(4)
        if let raw = fields.raw(5) {
            guard let number = raw.jsonInteger, let seconds = UInt64(exactly: number), seconds < 100_000_000_000
            else {
                throw HTTPRejection(status: 400, field: "expires", reason: "must be seconds since 1970")
            }
            expires = seconds
        }
    }
}
