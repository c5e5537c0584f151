import Backplane
import Broker
import Testing

@testable import Reactor

/// The position of so many milliseconds.
func at(_ milliseconds: UInt64) -> Position { Position(milliseconds: milliseconds, sequence: 0) }

func publication(_ position: UInt64, after previous: UInt64, _ text: String = "x") -> Publication {
    Publication(
        position: at(position),
        previous: at(previous),
        payload: Payload(kind: .text, bytes: Array(text.utf8))
    )
}

/// Publications from one position to another, each one behind the other, the first after `from - 1`.
func publications(_ positions: ClosedRange<UInt64>) -> [Publication] {
    positions.map { publication($0, after: $0 - 1) }
}

func request(_ channel: String, number: UInt64 = 0, once: String? = nil, _ text: String = "x") -> PublishRequest {
    PublishRequest(
        ticket: Ticket(reactor: 0, number: number),
        channel: ChannelName(channel)!,
        payload: Payload(kind: .text, bytes: Array(text.utf8)),
        idempotencyKey: once
    )
}

func position(_ channel: String, _ milliseconds: UInt64?) -> SessionPosition {
    SessionPosition(ChannelName(channel)!, milliseconds.map { at($0) })
}

/// Asks for a session; `secret` stands for its hash, and `connection` for who asks.
func sessionRequest(
    _ kind: SessionRequest.Kind,
    id: SessionID? = nil,
    secret: UInt8 = 1,
    number: UInt64 = 0,
    reactor: Int = 0,
    connection: UInt64 = 1,
    isPoll: Bool = false,
    isAffine: Bool = true
) -> SessionRequest {
    var generator = SystemRandomNumberGenerator()
    return SessionRequest(
        kind,
        ticket: Ticket(reactor: reactor, number: number),
        id: id ?? SessionID(using: &generator),
        secret: SecretHash(repeatElement(secret, count: 32)),
        holder: SessionHolder(reactor: reactor, connection: connection),
        isPoll: isPoll,
        isAffine: isAffine
    )
}

/// A backplane that does what its test says.
final class ScriptedBackplane: Backplane {
    struct Read {
        let channel: ChannelName
        let purpose: ReadPurpose
        let since: Position?
        let countMax: Int
        let bytesMax: Int
    }

    var isUp = true
    /// Whether subscriptions are acknowledged at once.
    var acknowledges = true
    /// Whether writes to sessions fail at once.
    var failsWrites = false
    private(set) weak var delegate: (any BackplaneDelegate)?
    private(set) var subscriptions: [String] = []
    private(set) var unsubscriptions: [String] = []
    private(set) var publishes: [PublishRequest] = []
    private(set) var counts: [(channel: String, subscribers: Int, leaseMilliseconds: UInt64)] = []
    private(set) var described: [Ticket] = []
    private(set) var grants: [SessionRequest] = []
    private var writes: [String] = []
    /// Who waits for each of them.
    var writeTickets: [Ticket?] = []
    /// Patterns whose channels are looked for.
    var searches: [[String]] = []
    /// Questions for sessions that are not taken.
    var touches: [Ticket] = []
    private var presence: [String] = []
    /// Whether there is room for more; if it says so, once it was waited for.
    var hasRoom = true
    var makesRoom = true
    private(set) var waitsForRoom = 0
    private(set) var isFinished = false
    private(set) var turns = 0
    private(set) var readCount = 0
    var reads: [Read] = []

    func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        delegate.linkChanged()
    }

    func subscribe(_ channel: ChannelName) {
        subscriptions.append(channel.text)
        if acknowledges { delegate?.subscribed(channel) }
    }

    func unsubscribe(_ channel: ChannelName) { unsubscriptions.append(channel.text) }

    func publish(_ request: PublishRequest) { publishes.append(request) }

    /// What was told to those who hear it.
    private(set) var told: [String] = []

    func tell(_ payload: Payload, in channel: ChannelName) {
        told.append("\(channel) \(String(decoding: payload.bytes, as: UTF8.self))")
    }

    func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        readCount += 1
        reads.append(Read(channel: channel, purpose: purpose, since: since, countMax: countMax, bytesMax: bytesMax))
    }

    /// What nodes were asked and answered.
    var asked: [(question: ClusterQuestion, number: UInt64)] = []
    var replies: [(part: ClusterPart, call: ClusterCall)] = []
    private(set) var requested: [String] = []

    func ask(_ question: ClusterQuestion, number: UInt64) { asked.append((question, number)) }

    func reply(_ part: ClusterPart, to call: ClusterCall) { replies.append((part, call)) }

    /// What was said of wills since it was last asked.
    private(set) var wills: [String] = []
    var keepsWills: Bool { true }

    func openWill(_ will: WillID, replacing old: WillID?) { wills.append("open \(will) \(old.map { "\($0)" } ?? "-")") }

    func dropWill(_ will: WillID) { wills.append("drop \(will)") }

    func writeWill(_ will: WillID, _ changes: [WillChange]) {
        let list = changes.map { change in
            switch change {
            case .add(let entry): "+\(String(decoding: entry, as: UTF8.self))"
            case .remove(let entry): "-\(String(decoding: entry, as: UTF8.self))"
            }
        }
        wills.append((["write \(will)"] + list.sorted()).joined(separator: "\n"))
    }

    func renewWill(_ will: WillID, executing: WillID?, seeks: Bool) {
        wills.append("renew \(will) \(executing.map { "\($0)" } ?? "-")\(seeks ? " seeks" : "")")
    }

    func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int) {
        let list = done.map { String(decoding: $0, as: UTF8.self) }
        wills.append((["execute \(will)"] + list.sorted()).joined(separator: "\n"))
    }

    func readFence(of session: SessionID, for entry: [UInt8]) { wills.append("fence \(session)") }

    func takeWills() -> [String] {
        defer { wills = [] }
        return wills
    }

    func clear(_ channel: ChannelName, isKeyed: Bool, for ticket: Ticket) {
        requested.append("clear \(ticket.number) \(channel.text)")
    }

    func revoke(_ revocation: Revocation, for ticket: Ticket) { requested.append("revoke \(ticket.number)") }

    func list(_ inventory: Inventory, for ticket: Ticket) { requested.append("list \(ticket.number)") }

    func inspect(_ session: SessionID, for ticket: Ticket) { requested.append("inspect \(ticket.number)") }

    func end(_ session: SessionID, for ticket: Ticket) { requested.append("end \(ticket.number)") }

    func spend(_ spending: RateSpending) { requested.append("spend \(spending.ticket.number) \(spending.limit)") }

    func count(_ channel: ChannelName, subscribers: Int, leaseMilliseconds: UInt64) {
        counts.append((channel.text, subscribers, leaseMilliseconds))
    }

    func describe(_ channel: ChannelName, for ticket: Ticket) { described.append(ticket) }

    func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        let details = details.isEmpty ? "" : " \(String(decoding: details, as: UTF8.self))"
        presence.append("enter \(channel) \(member) \(transport)\(details)")
    }

    func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        presence.append((["renew \(channel)"] + members.map { "\($0.id)" }.sorted()).joined(separator: " "))
    }

    func leave(_ channel: ChannelName, _ member: MemberID) { presence.append("leave \(channel) \(member)") }

    func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) { presence.append("list \(channel) \(limit)") }

    func grant(_ request: SessionRequest) { grants.append(request) }

    func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    ) {
        let list = positions.map { "\($0.channel)@\($0.position.map { "\($0)" } ?? "-")" }
        let noted = notes.map { ["(\(String(decoding: $0, as: UTF8.self)))"] } ?? []
        writes.append((["\(standing)", "\(fence)"] + list + noted).joined(separator: " "))
        writeTickets.append(ticket)
        if failsWrites { delegate?.saved(session, fence: fence, for: ticket, .failure(.overloaded)) }
    }

    func find(_ patterns: PatternSet) { searches.append(patterns.names.map { "\($0)" }.sorted()) }

    func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket) { touches.append(ticket) }

    func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) { writes.append("restore \(fence)") }

    func ready(token: UInt64, readiness: Readiness) {}

    func tick(_ tick: Tick) {}

    func endOfTurn() { turns += 1 }

    func makeRoom(until deadlineNanoseconds: UInt64) {
        waitsForRoom += 1
        if makesRoom { hasRoom = true }
    }

    func finish(until deadlineNanoseconds: UInt64) { isFinished = true }

    // MARK: The script

    /// Answers the oldest read; `hasMore` if there was no room for all.
    func answer(
        _ publications: [Publication] = [],
        head: UInt64,
        hasMore: Bool = false,
        floor: UInt64? = nil,
        beginsAnew: Bool = false
    ) {
        guard !reads.isEmpty else {
            Issue.record("nothing was asked")
            return
        }
        let read = reads.removeFirst()
        let page = HistoryPage(
            since: read.since,
            publications: publications,
            head: at(head),
            hasMore: hasMore,
            floor: floor.map { at($0) },
            beginsAnew: beginsAnew
        )
        delegate?.read(read.channel, for: read.purpose, since: read.since, .success(page))
    }

    /// Grants the oldest request for a session.
    func grant(fence: UInt64, _ positions: [SessionPosition] = [], notes: String = "") {
        let grant = SessionGrant(fence: fence, positions: positions, notes: Array(notes.utf8))
        delegate?.granted(grants.removeFirst(), .success(grant))
    }

    /// Refuses the oldest request for a session.
    func refuse(_ failure: SessionFailure) { delegate?.granted(grants.removeFirst(), .failure(failure)) }

    /// What was written to sessions since it was last asked.
    func takeWrites() -> [String] {
        defer { writes = [] }
        return writes
    }

    /// What was said of members since it was last asked.
    func takePresence() -> [String] {
        defer { presence = [] }
        return presence
    }

    /// Fails the oldest read.
    func fail(_ failure: BackplaneFailure = .unavailable) {
        guard !reads.isEmpty else {
            Issue.record("nothing was asked")
            return
        }
        let read = reads.removeFirst()
        delegate?.read(read.channel, for: read.purpose, since: read.since, .failure(failure))
    }

    func say(_ publication: Publication, in channel: String = "a") {
        delegate?.heard(publication, in: ChannelName(channel)!)
    }

    func setUp(_ isUp: Bool) {
        self.isUp = isUp
        delegate?.linkChanged()
    }
}

/// An uplink with reactors that are inboxes only.
final class UplinkFixture {
    let metrics = UplinkMetrics()
    let uplink: Uplink
    let inboxes: [Inbox<UplinkReport>]
    private var now: UInt32 = 0
    private let seat = ReactorSeat()
    private let start: UInt64

    init(_ backplane: any Backplane, reactors: Int = 1, _ change: (inout Limits) -> Void = { _ in }) throws {
        var limits = Limits()
        change(&limits)
        inboxes = try (0..<reactors).map { _ in try Inbox() }
        start = seat.now
        seat.setClock(start)
        uplink = Uplink(seat: seat, backplane: backplane, reports: inboxes, limits: limits, metrics: metrics)
        backplane.start(delegate: uplink)
        for index in inboxes.indices { _ = reports(index) }
    }

    func watch(_ channel: String, by reactor: Int = 0) {
        uplink.receive(.watch(ChannelName(channel)!, reactor: reactor))
    }

    func unwatch(_ channel: String, by reactor: Int = 0) {
        uplink.receive(.unwatch(ChannelName(channel)!, reactor: reactor))
    }

    func recover(_ channel: String, since: UInt64, by reactor: Int = 0, isKeyed: Bool = false) {
        uplink.receive(.recover(ChannelName(channel)!, since: at(since), reactor: reactor, isKeyed: isKeyed))
    }

    /// Lets the coarse clock go on.
    func tick(_ count: UInt32) {
        for _ in 0..<count {
            now += 1
            seat.setClock(start + UInt64(now) * Tick.milliseconds * 1_000_000)
            uplink.tick(Tick(number: now))
        }
    }

    /// A tick, and what a turn ends with.
    func turn() {
        tick(1)
        _ = uplink.endOfTurn()
    }

    /// What a reactor was told since it was last asked, in short.
    func reports(_ reactor: Int = 0) -> [String] {
        var batch: [UplinkReport] = []
        inboxes[reactor].take(into: &batch)
        return batch.map(describe)
    }

    private func describe(_ report: UplinkReport) -> String {
        switch report {
        case .opened(let channel, let head): "opened \(channel) \(head)"
        case .refused(let channel, let reason): "refused \(channel) \(reason)"
        case .publication(let channel, let publication): "\(channel) \(publication.position)"
        case .ephemeral(let channel, let payload): "\(channel) \(String(decoding: payload.bytes, as: UTF8.self))"
        case .gap(let channel, let from, let to): "gap \(channel) \(from) \(to)"
        case .moved(let channel, let head): "moved \(channel) \(head)"
        case .recovered(let channel, let page):
            "recovered \(channel) \(page.since!): \(describe(page))"
        case .published(let ticket, .success(let position)): "published \(ticket.number) \(position)"
        case .published(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .history(let ticket, .success(let page)): "history \(ticket.number): \(describe(page))"
        case .history(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .described(let ticket, .success(let facts)):
            "described \(ticket.number): \(facts.subscribers) on \(facts.nodes) at \(facts.head)"
        case .described(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .presence(let ticket, .success(let list)): "presence \(ticket.number): \(list.count)"
        case .presence(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .session(let ticket, .success(let state)): "session \(ticket.number)\(describe(state))"
        case .session(let ticket, .failure(let failure)): "no session \(ticket.number) \(failure)"
        case .found(let channel, let pattern): "found \(channel) by \(pattern)"
        case .behind(let channel): "behind \(channel)"
        case .visited(let ticket, .success(let state)): "visited \(ticket.number)\(describe(state))"
        case .visited(let ticket, .failure(let failure)): "not visited \(ticket.number) \(failure)"
        case .settled(let ticket, let outcome): "settled \(ticket.number) \(outcome)"
        case .sessionTaken(_, let holder, let taking):
            "taken from \(holder.connection)" + (taking == .attach ? "" : " for \(taking)")
        case .sessionChanged(_, let holder, let changes):
            "changed of \(holder.connection)\(describe(SessionState(positions: changes)))"
        case .sessionForgotten(_, let holder): "forgotten of \(holder.connection)"
        case .hooked(let ticket, _): "hooked \(ticket.number)"
        case .identified(let ticket, _): "identified \(ticket.number)"
        case .spent(let ticket, .success(let left)): "spent \(ticket.number): \(left)"
        case .spent(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .accessChanged: "access changed"
        case .asked(_, let call): "asked \(call.number) by \(call.asker)"
        case .revoked(let all): "revoked \(all.count)"
        case .inherited(let will, let entry, _): "inherited \(will) \(entry.user ?? "-")"
        case .controlled(let ticket, .success(.asked(let part, let isComplete))):
            "asked \(ticket.number): \(part.count) [\(String(decoding: part.items, as: UTF8.self))]"
                + (isComplete ? "" : ", not all")
        case .controlled(let ticket, .success): "controlled \(ticket.number)"
        case .controlled(let ticket, .failure(let failure)): "failed \(ticket.number) \(failure)"
        case .certificatesChanged: "certificates changed"
        case .ticketsShared: "tickets shared"
        case .link(let isUp): isUp ? "up" : "down"
        case .drain: "drain"
        }
    }

    private func describe(_ state: SessionState) -> String {
        let list = state.positions.map { " \($0.channel)@\($0.position.map { "\($0)" } ?? "-")" }
        return list.joined() + (state.notes.isEmpty ? "" : " (\(String(decoding: state.notes, as: UTF8.self)))")
    }

    private func describe(_ page: HistoryPage) -> String {
        let list = page.publications.map { "\($0.position)" }.joined(separator: " ")
        return "[\(list)] to \(page.head)" + (page.isComplete ? "" : ", not all") + (page.hasMore ? ", more" : "")
    }
}

extension BackplaneDelegate {
    /// A write that nobody waits for.
    func saved(_ session: SessionID, fence: UInt64, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        saved(session, fence: fence, for: nil, outcome)
    }

    /// Taken to hold it.
    func taken(_ session: SessionID, fence: UInt64) { taken(session, fence: fence, .attach) }
}

extension SessionBackplane {
    /// Writes what nobody waits for.
    func save(_ session: SessionID, fence: UInt64, _ standing: SessionStanding, _ positions: [SessionPosition]) {
        save(session, fence: fence, standing, positions, notes: nil, for: nil)
    }
}
