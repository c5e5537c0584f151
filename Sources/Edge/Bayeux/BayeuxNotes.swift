internal import Broker

/// What a session keeps of a client of Bayeux besides its subscriptions: the next node that it comes to goes on with it.
///
/// With the extension `ack` a session's positions are what its client has acknowledged, and `pending` is where it stands if it has
/// the last connect reply that told anything, whose number is `batch`. Both are kept before that reply is sent; so whichever node is
/// asked next knows both, and a reply that was lost is told again and one that was not is not.
struct BayeuxNotes: Equatable {
    /// The number of the last connect reply that told anything.
    var batch: UInt64 = 0

    /// Where it stands once it has that, in the channels that moved.
    var pending: Cursor {
        get { rest?.pending ?? Cursor() }
        set { rest = Rest(newValue, members, identity) }
    }

    /// Where it stands in channels that its patterns stand for, beyond what the patterns' own positions say.
    var members: Cursor {
        get { rest?.members ?? Cursor() }
        set { rest = Rest(pending, newValue, identity) }
    }

    /// Who it is, as the token said that it showed last.
    var identity: Identity? {
        get { rest?.identity }
        set { rest = Rest(pending, members, newValue) }
    }

    /// What most clients have nothing of, so that there is little in a connect that waits.
    private var rest: Rest?

    private final class Rest: Sendable {
        let pending: Cursor
        let members: Cursor
        let identity: Identity?

        init?(_ pending: Cursor, _ members: Cursor, _ identity: Identity?) {
            (self.pending, self.members, self.identity) = (pending, members, identity)
            if pending.positions.isEmpty, members.positions.isEmpty, identity == nil { return nil }
        }
    }

    static func == (left: BayeuxNotes, right: BayeuxNotes) -> Bool {
        left.batch == right.batch && left.isConnected == right.isConnected && left.hasAck == right.hasAck
            && left.hasReplay == right.hasReplay && left.pending == right.pending && left.members == right.members
            && left.pace == right.pace && left.identity?.text == right.identity?.text
    }

    /// Whether its first connect was answered, which is never held.
    var isConnected = false

    /// Whether it acknowledges its messages.
    var hasAck = false

    /// Whether it is told from where on it may come back.
    var hasReplay = false

    /// How often it wants to be told of each channel, by whatever way it connects.
    var pace = Pace.any

    /// Of a session that was just opened.
    init() {}

    /// Reads the text; what is not understood counts as absent.
    init(_ text: [UInt8]) {
        for word in text.split(separator: UInt8(ascii: " ")) {
            let rest = String(decoding: word.dropFirst(), as: UTF8.self)
            switch word.first {
            case UInt8(ascii: "c"): isConnected = true
            case UInt8(ascii: "a"): hasAck = true
            case UInt8(ascii: "r"): hasReplay = true
            case UInt8(ascii: "f"): pace = MaxRate(rest).map { Pace($0) } ?? .any
            case UInt8(ascii: "b"): batch = UInt64(rest) ?? 0
            case UInt8(ascii: "p"): pending = Cursor(rest) ?? Cursor()
            case UInt8(ascii: "m"): members = Cursor(rest) ?? Cursor()
            case UInt8(ascii: "i"): identity = Identity(text: rest)
            default: break
            }
        }
    }

    /// As it is kept: words, each a letter and what it says.
    var text: [UInt8] {
        if self == Self.usual { return Self.usualText }
        return ownText
    }

    /// Of nearly all clients, who then have the same bytes.
    private static let usual: BayeuxNotes = {
        var notes = BayeuxNotes()
        notes.isConnected = true
        return notes
    }()
    private static let usualText = usual.ownText

    private var ownText: [UInt8] {
        var words = ["v1"]
        if isConnected { words.append("c") }
        if hasAck { words.append("a") }
        if hasReplay { words.append("r") }
        if let rate = pace.rate { words.append("f\(rate.text)") }
        if batch > 0 { words.append("b\(batch)") }
        if !pending.positions.isEmpty { words.append("p\(pending.text)") }
        if !members.positions.isEmpty { words.append("m\(members.text)") }
        if let identity { words.append("i\(identity.text)") }
        return Array(words.joined(separator: " ").utf8)
    }

    /// The client says which reply it has: where it certainly stands then, in the channels that it is subscribed to.
    mutating func acknowledge(_ number: Int64?, _ subscriptions: [SessionPosition]) -> [SessionPosition] {
        guard hasAck, let number, number >= 0, UInt64(number) >= batch, !pending.positions.isEmpty else { return [] }
        let told = pending.positions.map { SessionPosition($0.key, $0.value) }
        pending = Cursor()
        let own = told.filter { each in subscriptions.contains { $0.channel == each.channel } }
        if subscriptions.contains(where: \.channel.isPattern) {
            stand(told.filter { each in !subscriptions.contains { $0.channel == each.channel } })
        }
        return own
    }

    /// A reply tells it more: where it stands once it has that.
    mutating func begin(_ positions: [SessionPosition]) {
        batch += 1
        pending = Cursor()
        for each in positions { pending.positions[each.channel] = each.position }
    }

    /// Where it stands in channels of patterns, in place of what was known.
    mutating func stand(_ positions: [SessionPosition]) {
        members = Cursor()
        for each in positions { members.positions[each.channel] = each.position }
    }
}
