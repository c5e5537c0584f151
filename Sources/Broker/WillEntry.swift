internal import Text

/// A reader of whose end a backend is to hear, as its node's will has it: what that is told should the node die.
///
/// A will is what MQTT calls by that name (MQTT 5.0, §3.1.2.5): what others are to say for who can no longer.
public struct WillEntry: Sendable, Equatable {
    /// The node that the reader was connected to.
    public let node: String

    /// By what it read, and where it came from.
    public let transport: String
    public let address: String

    /// Who it was, as far as that was known.
    public let user: String?

    /// Its session, if it had one.
    public let session: SessionID?

    /// The fence by which its connection had the session; a session with a higher one was resumed elsewhere since. 0 without one.
    public var fence: UInt64 = 0

    /// Describes a reader.
    public init(node: String, transport: String, address: String, user: String?, session: SessionID?) {
        self.node = node
        self.transport = transport
        self.address = address
        self.user = user
        self.session = session
    }

    // MARK: As a text

    /// Bytes of a text that is read: a user of 1,024 bytes has three times that in it.
    private static let textBytesMax = 4_096

    /// What stands for no session and no user; a name begins with a letter.
    private static let nothing = "-"

    /// As it is kept: words. The first tells it from all others of its node.
    public func text(of holder: SessionHolder) -> [UInt8] {
        let words = [
            "\(holder.reactor):\(holder.connection)", "\(fence)", PercentCoding.encode(node),
            PercentCoding.encode(transport), PercentCoding.encode(address), session.map { "\($0)" } ?? Self.nothing,
            user.map { "u\(PercentCoding.encode($0))" } ?? Self.nothing,
        ]
        return Array(words.joined(separator: " ").utf8)
    }

    /// Reads the text; `nil` for what no node wrote.
    public init?(text: [UInt8]) {
        guard text.count <= Self.textBytesMax, let text = String(validating: text, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 7, let fence = UInt64(words[1]), let node = PercentCoding.decode(words[2]),
            let transport = PercentCoding.decode(words[3]), let address = PercentCoding.decode(words[4])
        else { return nil }
        let session = SessionID(words[5])
        let user = words[6].first == "u" ? PercentCoding.decode(words[6].dropFirst()) : nil
        guard session != nil || words[5] == Self.nothing, user != nil || words[6] == Self.nothing else { return nil }
        self.init(node: node, transport: transport, address: address, user: user, session: session)
        self.fence = fence
    }
}
