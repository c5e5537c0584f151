/// Who is present, as others see it: nothing can be resumed or guessed with it.
///
/// Size: 8 bytes. As text 16 hexadecimal digits.
public struct MemberID: Hashable, Sendable, CustomStringConvertible {
    private let number: UInt64

    /// Names a member by a number that nobody else has.
    public init(_ number: UInt64) { self.number = number }

    /// Reads the text form.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, let number = UInt64(text, radix: 16) else { return nil }
        self.number = number
    }

    /// The text form.
    public var description: String { number.hexadecimal }
}

/// One subscriber of a channel whose presence is switched on.
public struct Member: Sendable, Equatable {
    /// Its name, the same for as long as its session lives.
    public let id: MemberID

    /// The node it is connected to.
    public let node: String

    /// How it is connected: `websocket`, `eventstream`, `jsonstream` or `poll`.
    public let transport: String

    /// When it came, in milliseconds of the backplane's clock.
    public let sinceMilliseconds: UInt64

    /// What others may see of who it is, as a JSON object; empty where there is nothing. Whoever shows it looks whether it is one: it
    /// lies where anybody may write.
    public let details: [UInt8]

    /// Describes a member.
    public init(id: MemberID, node: String, transport: String, sinceMilliseconds: UInt64, details: [UInt8] = []) {
        self.details = details
        self.id = id
        self.node = node
        self.transport = transport
        self.sinceMilliseconds = sinceMilliseconds
    }
}

/// Who is subscribed to a channel, cluster-wide.
public struct PresenceList: Sendable, Equatable {
    /// How many are present, also those that are not listed.
    public let count: Int

    /// The first of them, up to the limit of one answer.
    public let members: [Member]

    /// Makes a list.
    public init(count: Int, members: [Member]) {
        self.count = count
        self.members = members
    }
}

/// How a member's connection ended.
public enum Departure: Sendable, Equatable {
    /// It unsubscribed or said goodbye: it is gone.
    case clean
    /// It was lost: its session may be resumed, and then it was never gone.
    case lost
    /// Another connection has its session, and its presence with it.
    case taken
}

extension ChannelName {
    private static let presencePrefix = "$presence/"

    /// The channel on which joins and leaves of this one are told; `nil` if its name would be too long.
    public var presenceChannel: ChannelName? { ChannelName(Self.presencePrefix + text) }

    /// The channel whose joins and leaves are told on this one, if it is such a one.
    public var presenceSubject: ChannelName? {
        text.hasPrefix(Self.presencePrefix) ? ChannelName(String(text.dropFirst(Self.presencePrefix.count))) : nil
    }
}
