public import Broker
internal import DequeModule
internal import Text

/// A channel as one reactor sees it.
///
/// Thread: owned by one reactor. It lives while the reactor has a subscriber, or someone who is about to be one.
/// Size: 120 bytes, and what is seldom there: a node may hear a hundred thousand.
public final class Topic: OfChannel {
    /// The channel's name.
    public let name: ChannelName

    /// The channel's name in a cursor. Mostly it is the name itself, which is found out where it is needed.
    var cursorName: String { PercentCoding.encode(name.text) }

    // Side by side: what stands apart from others of its size takes as much as the largest.
    /// Whether it tells who is subscribed.
    let hasPresence: Bool

    /// Whether the count changed since the uplink was told.
    var isCountDirty = false

    private var isCountedBehind = false

    /// Whether something holds its publications back from some of its readers.
    private(set) var isPaced = false

    /// Whether the uplink waits for what came before its newest.
    var isBehind = false {
        didSet { if isBehind != oldValue { noteBehind() } }
    }

    /// Reports were dropped; what is missing was asked for, or will be once there is room for it.
    var isCatchingUp = false {
        didSet { if isCatchingUp != oldValue { noteBehind() } }
    }

    /// Whether it is asked for once the logs have room.
    var catchesUpLater = false

    /// Whether the uplink said where the channel stands.
    public var isOpen = false {
        didSet { noteBehind() }
    }

    /// The newest position that was appended to the feeds. Of a pattern: until when its readers have everything that they do not
    /// have a position of.
    public var last = Position.start

    /// Whether it stands for several channels, which are found one by one. What is here of reports and logs is theirs then.
    var isPattern: Bool { name.isPattern }

    /// What patterns have to do with, and readers that are told less often: most channels are read by their names alone, and at once.
    private struct Matching {
        var pacers: [Pacer] = []
        var members: [ChannelName: Topic] = [:]
        var behindCount = 0
        var recent: [Topic] = []
        var patterns: [Topic] = []
        var rateMax: MaxRate?
    }

    private var matching = Seldom<Matching>()

    /// What holds its publications back, for each pace at which it is read.
    var pacers: [Pacer] {
        get { isPaced ? matching.known?.pacers ?? [] : [] }
        set {
            matching[orNew: Matching()].pacers = newValue
            isPaced = !newValue.isEmpty
        }
    }

    /// What holds its publications back from readers of a pace, if something does.
    func pacer(of pace: Pace) -> Pacer? { pacers.first { $0.asked == pace } }

    /// Of a pattern: the channels that were found, and how many of them wait for what came before their newest.
    var members: [ChannelName: Topic] {
        get { matching.known?.members ?? [:] }
        _modify { yield &matching[orNew: Matching()].members }
    }
    var behindCount: Int {
        get { matching.known?.behindCount ?? 0 }
        set { matching[orNew: Matching()].behindCount = newValue }
    }

    /// Of a pattern: the slowest of the rates that rules say of its channels.
    var rateMax: MaxRate? {
        get { matching.known?.rateMax }
        set { if newValue != rateMax { matching[orNew: Matching()].rateMax = newValue } }
    }

    /// Of a pattern: the channels that moved since `last`, for which that does not speak.
    private(set) var recent: [Topic] {
        get { matching.known?.recent ?? [] }
        _modify { yield &matching[orNew: Matching()].recent }
    }

    /// Patterns that stand for it and are read.
    var patterns: [Topic] {
        get { matching.known?.patterns ?? [] }
        _modify { yield &matching[orNew: Matching()].patterns }
    }

    /// Whether its readers may lack what came before its newest.
    private var mayLack: Bool { isBehind || isCatchingUp || hasWaiting || !isOpen }

    /// Has its patterns know whether it may lack something.
    func noteBehind() {
        guard mayLack != isCountedBehind else { return }
        isCountedBehind.toggle()
        for pattern in patterns { pattern.behindCount += isCountedBehind ? 1 : -1 }
    }

    /// A pattern stands for it.
    func join(_ pattern: Topic) {
        pattern.members[name] = self
        patterns.append(pattern)
        if isCountedBehind { pattern.behindCount += 1 }
    }

    /// The pattern is no longer read.
    func leave(_ pattern: Topic) {
        patterns.removeAll { $0 === pattern }
        if isCountedBehind { pattern.behindCount -= 1 }
    }

    /// Of a pattern: a publication of a channel of it was appended. What was made in earlier milliseconds was appended, too, unless one
    /// of its channels lacks something: Redis publishes one after the other.
    func advance(behind position: Position, in member: Topic) {
        if !recent.contains(where: { $0 === member }) { recent.append(member) }
        guard behindCount == 0, position.milliseconds > last.milliseconds + 1 else { return }
        last = Position(milliseconds: position.milliseconds - 1, sequence: 0)
        leaveOld()
    }

    /// One of its channels is open, or it is itself. Ten thousand of them may open before it does, and are looked at once.
    func noteOpened(_ member: Topic) {
        guard isOpen else { return }
        if member === self {
            recent = members.values.filter { $0.isOpen && $0.last > last }
        } else if member.last > last, !recent.contains(where: { $0 === member }) {
            recent.append(member)
        }
    }

    private func leaveOld() { recent.removeAll { $0.last <= last } }

    /// It is read no longer.
    func forgetMembers() {
        members = [:]
        recent = []
        rateMax = nil
    }

    /// The channel's part of a cursor that stands at the newest position. Made once for all feeds that have the channel among
    /// others: a client may have a hundred of them in a feed of its own.
    var cursorEntry: String {
        if let known = madeEntry.known, known.position == last { return known.text }
        let text = cursorEntry(at: last)
        madeEntry[orNew: (last, text)] = (last, text)
        return text
    }

    /// The same where a client stands elsewhere.
    func cursorEntry(at position: Position) -> String { Cursor.entry(cursorName, at: position) }

    private var madeEntry = Seldom<(position: Position, text: String)>()

    /// Who waits, and for what.
    private struct Waiting {
        var publications = Deque<Publication>()
        var publicationsBytes = 0
        var recoveryUnderWay: Position?
        var questionsAhead: Set<Position> = []
        var joins: [ClientID: JoinPart] = [:]
        var telling: [ClientID: JoinPart] = [:]
        var following: [ClientID: JoinPart] = [:]
        var polls: [ClientID: Poll] = [:]

        var isEmpty: Bool {
            publications.isEmpty && publicationsBytes == 0 && recoveryUnderWay == nil && questionsAhead.isEmpty
                && joins.isEmpty && telling.isEmpty && following.isEmpty && polls.isEmpty
        }
    }

    private var waits = Seldom<Waiting>()
    private func tidy() { if waits.known?.isEmpty == true { waits.clear() } }

    /// What was published while the logs were full, and its memory.
    var waiting: Deque<Publication> {
        get { waits.known?.publications ?? [] }
        _modify {
            yield &waits[orNew: Waiting()].publications
            tidy()
        }
    }
    var waitingBytes: Int {
        get { waits.known?.publicationsBytes ?? 0 }
        set {
            waits[orNew: Waiting()].publicationsBytes = newValue
            tidy()
        }
    }
    private var hasWaiting: Bool { waits.known?.publications.isEmpty == false }

    /// The newest position that was reported.
    var lastReported: Position { waits.known?.publications.last?.position ?? last }

    /// Whether some log has several windows that were not sent to everyone yet. Then its readers cannot keep up with its
    /// publishers, and nobody else's publications must wait behind it.
    var isFull: Bool { feeds.contains { $0.unsentBytes > 4 * $0.windowBytesMax } }

    /// Everything that is made of this channel's publications.
    public var feeds = Few<Feed>()

    /// The clients that wait for the channel to open, for a recovery, for their other channels, or for their turn.
    var joins: [ClientID: JoinPart] {
        get { waits.known?.joins ?? [:] }
        _modify {
            yield &waits[orNew: Waiting()].joins
            tidy()
        }
    }

    /// The clients that are being told a part of what they missed, and ask for the rest later. Apart from those that wait: a
    /// thousand slow clients must not be looked at with each publication.
    var telling: [ClientID: JoinPart] {
        get { waits.known?.telling ?? [:] }
        _modify {
            yield &waits[orNew: Waiting()].telling
            tidy()
        }
    }

    /// The clients that asked for it while they waited for a pattern that stands for it, or of a pattern for one of its channels, and have
    /// their turn later.
    var following: [ClientID: JoinPart] {
        get { waits.known?.following ?? [:] }
        _modify {
            yield &waits[orNew: Waiting()].following
            tidy()
        }
    }

    /// What a client waits for, or is being told.
    func part(of client: ClientID) -> JoinPart? { joins[client] ?? telling[client] }

    /// The same where the client asked for it by this name, and not by a pattern.
    func partAsked(by client: ClientID) -> JoinPart? {
        if let part = part(of: client), !part.isMember { return part }
        return following[client]
    }

    /// It is the turn of a client that waited for others.
    func begin(_ part: JoinPart) {
        if following[part.join.client] === part { following[part.join.client] = nil }
        joins[part.join.client] = part
    }

    /// A client no longer waits, and is told no more.
    func forget(_ part: JoinPart) {
        guard waits.known != nil else { return }
        let client = part.join.client
        if joins[client] === part { waits[orNew: Waiting()].joins[client] = nil }
        if telling[client] === part { waits[orNew: Waiting()].telling[client] = nil }
        if following[client] === part { waits[orNew: Waiting()].following[client] = nil }
        // A dictionary that was emptied would keep its memory, and a channel is mostly joined once.
        if joins.isEmpty { waits[orNew: Waiting()].joins = [:] }
        if telling.isEmpty { waits[orNew: Waiting()].telling = [:] }
        if following.isEmpty { waits[orNew: Waiting()].following = [:] }
        tidy()
    }

    /// Nobody waits any more.
    func forgetAllWhoWait() { waits.clear() }

    /// Polls that are held until something is published.
    var polls: [ClientID: Poll] {
        get { waits.known?.polls ?? [:] }
        _modify {
            yield &waits[orNew: Waiting()].polls
            tidy()
        }
    }

    /// The position of the recovery that was asked for: it answers all joins that wait from there or from later.
    var recoveryUnderWay: Position? {
        get { waits.known?.recoveryUnderWay }
        set {
            waits[orNew: Waiting()].recoveryUnderWay = newValue
            tidy()
        }
    }

    /// Positions that clients come back with, were not reported yet and were asked about.
    var questionsAhead: Set<Position> {
        get { waits.known?.questionsAhead ?? [] }
        _modify {
            yield &waits[orNew: Waiting()].questionsAhead
            tidy()
        }
    }

    /// Subscriptions and polls that are held, for the cluster-wide count.
    var subscribers: Int {
        get { Int(subscriberCount) }
        set { subscriberCount = Int32(clamping: newValue) }
    }
    private var subscriberCount: Int32 = 0

    /// What was published within this second, and for how many readers, while somebody wants to know; see `ActivityCount`.
    var recentPublications: UInt32 = 0
    var recentDeliveries: UInt32 = 0

    init(_ name: ChannelName, hasPresence: Bool) {
        self.name = name
        self.hasPresence = hasPresence
    }
}
