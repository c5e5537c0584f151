/// Why a message of Bayeux is not done: `402:abc:Unknown client`.
///
/// Code, arguments and text, Bayeux 1.0 §3.4. Faye reads it only where an argument has no other characters than letters, digits,
/// the marks, space, `/`, `*` and `.`; so one that has others is left out.
public struct BayeuxFault: Error, Equatable, Sendable {
    /// What is wrong, much as a status of HTTP.
    public let code: UInt16

    /// What it is about.
    public let argument: String

    /// The same in words.
    public let text: String

    /// Makes a fault.
    public init(_ code: UInt16, _ argument: String, _ text: StaticString) {
        self.code = code
        self.argument = argument
        self.text = "\(text)"
    }

    /// What a service says.
    public init(_ code: UInt16, _ message: String) {
        self.code = code
        argument = ""
        text = message
    }

    /// As a message says it.
    public var description: String {
        "\(code):\(Self.isReadable(argument) ? argument : ""):\(text)"
    }

    private static func isReadable(_ argument: String) -> Bool {
        argument.utf8.count <= BayeuxChannel.byteCountMax
            && argument.utf8.allSatisfy { $0.isAlphanumeric || "-_!~()$@ /*.".utf8.contains($0) }
    }

    /// Faults are the same if they say the same.
    public static func == (left: BayeuxFault, right: BayeuxFault) -> Bool { left.description == right.description }

    /// A client speaks a version that is not spoken here.
    public static func version(_ version: String) -> BayeuxFault { BayeuxFault(300, version, "Version mismatch") }
    /// It can use no way of those there are.
    public static func connectionTypes(_ types: [String]) -> BayeuxFault {
        BayeuxFault(301, types.prefix(8).joined(separator: " "), "Connection types not supported")
    }
    /// A field that must be there is not.
    public static func missing(_ field: String) -> BayeuxFault { BayeuxFault(400, field, "Missing field") }
    /// A field is not what it must be.
    public static func wrongType(_ field: String) -> BayeuxFault { BayeuxFault(400, field, "Wrong type of field") }
    /// It must show who it is.
    public static let unauthenticated = BayeuxFault(401, "", "Authentication required")
    /// There is no such session.
    public static func unknownClient(_ clientID: String) -> BayeuxFault {
        BayeuxFault(402, clientID.utf8.count <= 128 ? clientID : "", "Unknown client")
    }
    /// It may not.
    public static func forbidden(_ channel: String) -> BayeuxFault { BayeuxFault(403, channel, "Forbidden") }
    /// Nothing answers there.
    public static func unknownChannel(_ channel: String) -> BayeuxFault { BayeuxFault(404, channel, "Unknown channel") }
    /// It is no name of a channel, or none for this.
    public static func invalidChannel(_ channel: String) -> BayeuxFault { BayeuxFault(405, channel, "Invalid channel") }
    /// The backplane did not take it.
    public static func publishFailed(_ channel: String) -> BayeuxFault { BayeuxFault(407, channel, "Publish failed") }
    /// A token that is not taken, and one whose time is over.
    public static let unauthorized = BayeuxFault(401, "", "Invalid token")
    public static let expired = BayeuxFault(401, "", "Token expired")
    /// It has as many as it may have.
    public static func tooMany(_ channel: String) -> BayeuxFault { BayeuxFault(413, channel, "Too many subscriptions") }
    /// It comes too often.
    public static let tooOften = BayeuxFault(429, "", "Too many requests")
    /// The backplane is away.
    public static let unavailable = BayeuxFault(503, "", "Server unavailable")
}
