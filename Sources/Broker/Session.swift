/// A session's public half: 128 random bits. It names the session and opens nothing by itself.
///
/// Size: 16 bytes. As text 32 hexadecimal digits in lower case, so that a session has one name only.
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// Draws one.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// Reads the text form, or `nil` where it is not one.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (place, byte) in text.utf8.enumerated() {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if place < 16 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
        }
        (high, low) = words
    }

    /// One of 256 parts of a table, each as likely.
    public var shard: Int { Int(low & 0xff) }

    /// The text form.
    public var description: String { high.hexadecimal + low.hexadecimal }
}

/// What is kept of a token's secret: its SHA-256. Whoever reads it in Redis cannot resume with it.
///
/// Size: 32 bytes. The text form is 64 hexadecimal digits.
public struct SecretHash: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Takes the 32 bytes of a SHA-256.
    public init(_ digest: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var place = 0
        for byte in digest {
            switch place / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
            place += 1
            if place == 32 { break }
        }
        self.words = words
    }

    /// What is as random as a hash is one already.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

    /// Compares all bits, whichever differ: the time it takes tells nothing.
    public static func == (left: SecretHash, right: SecretHash) -> Bool {
        let differences = (
            left.words.0 ^ right.words.0, left.words.1 ^ right.words.1,
            left.words.2 ^ right.words.2, left.words.3 ^ right.words.3
        )
        let difference = differences.0 | differences.1 | differences.2 | differences.3
        return difference == 0
    }

    /// The text form.
    public var text: String {
        words.0.hexadecimal + words.1.hexadecimal + words.2.hexadecimal + words.3.hexadecimal
    }
}

/// One subscription of a session, and up to where its client certainly has everything.
public struct SessionPosition: Sendable, Equatable {
    /// The channel.
    public let channel: ChannelName

    /// The last publication the client is known to have; `nil` in a change means that the subscription ended.
    public var position: Position?

    /// Ties a position to a channel.
    public init(_ channel: ChannelName, _ position: Position?) {
        self.channel = channel
        self.position = position
    }
}

/// Which connection of a node holds a session: the reactor, and the connection's number there.
public struct SessionHolder: Hashable, Sendable {
    /// The reactor's own number for the connection.
    public let connection: UInt64

    /// Which reactor of the node; of 64 at most.
    public var reactor: Int { Int(reactorNumber) }
    private let reactorNumber: UInt16

    /// Names a connection.
    public init(reactor: Int, connection: UInt64) {
        // bounded: a node has 64 reactors at most
        reactorNumber = UInt16(reactor)
        self.connection = connection
    }
}

/// What a node that holds a session now needs to know of it.
public struct SessionGrant: Sendable, Equatable {
    /// What every write to the session carries; each resume raises it, and a write with an older one is refused.
    public let fence: UInt64

    /// What is known of its client; nothing if it is new.
    public let state: SessionState

    /// Makes a grant.
    public init(fence: UInt64, positions: [SessionPosition], notes: [UInt8] = []) {
        self.fence = fence
        state = SessionState(positions: positions, notes: notes)
    }
}

/// What a session keeps of its client.
public struct SessionState: Sendable, Equatable {
    /// Its subscriptions, and where it certainly stands in each.
    public var positions: [SessionPosition]

    /// What its transport keeps of it besides; no backplane looks into it.
    public var notes: [UInt8]

    /// Makes one; of a new session without arguments.
    public init(positions: [SessionPosition] = [], notes: [UInt8] = []) {
        self.positions = positions
        self.notes = notes
    }

    /// Takes over changes; what it has no room for is left out.
    public mutating func apply(_ changes: [SessionPosition], countMax: Int = [SessionPosition].sessionCountMax) {
        for change in changes { positions.apply(change, countMax: countMax) }
    }
}

/// Why a session is taken from who has it.
public enum SessionTaking: String, Sendable {
    /// Another request of its client is to have it.
    case attach
    /// Its client changed its subscriptions; nobody has it now.
    case visit
    /// Its client ended it.
    case end
}

/// What a node says of a session with each write.
public enum SessionStanding: Sendable, Equatable {
    /// A connection or a poll of this node holds it.
    case held
    /// Nobody does; it can be resumed for a while.
    case detached
    /// It is over.
    case ended
}

/// What became of a write to a session.
public enum SessionWrite: Sendable, Equatable {
    /// It is kept.
    case kept
    /// Another node owns the session since.
    case stale
    /// The backplane does not know the session any more.
    case gone
}

extension UInt64 {
    /// Its 16 hexadecimal digits.
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension [SessionPosition] {
    /// Subscriptions that a backplane keeps of one session at most; it stands in `perseid.lua`, too. What a node lets one
    /// connection have is less.
    public static var sessionCountMax: Int { 1_024 }

    /// Takes over one change: a subscription that began, moved on or ended. One that begins where there are `countMax`, or a pattern where
    /// there are so many of those, is not taken, which is told by `false`: a session is looked through for each change, and must not grow
    /// with what clients say.
    @discardableResult
    public mutating func apply(
        _ change: SessionPosition,
        countMax: Int = sessionCountMax,
        patternCountMax: Int = .max
    ) -> Bool {
        if let place = firstIndex(where: { $0.channel == change.channel }) {
            if change.position == nil { remove(at: place) } else { self[place] = change }
        } else if change.position != nil {
            guard count < countMax else { return false }
            if change.channel.isPattern, count(where: \.channel.isPattern) >= patternCountMax { return false }
            // Most have one channel, and need no room for a second.
            if isEmpty { self = [change] } else { append(change) }
        }
        return true
    }

    /// The same within what one connection may have.
    @discardableResult
    public mutating func apply(_ change: SessionPosition, within limits: Limits) -> Bool {
        apply(change, countMax: limits.channelsPerConnectionMax, patternCountMax: limits.patternsPerConnectionMax)
    }
}
