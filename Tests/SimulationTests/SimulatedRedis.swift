import Broker

/// One master of Redis with the function library: streams whose entries name their predecessor, heads that outlive them, publishes by
/// key, and a bus. A replica follows it some writes behind.
final class SimulatedRedis {
    /// All that a fail-over takes from the replica.
    struct Keyspace {
        var streams: [ChannelName: SimulatedStream] = [:]
        var sessions: [SessionID: SessionRecord] = [:]
        var presence: [ChannelName: [MemberID: PresentMember]] = [:]
    }

    unowned let simulation: Simulation

    /// Its place among the masters.
    let number: Int
    var keys = Keyspace()

    /// What it calls what it has: another one that takes its place has another.
    private var replicationID = 0

    /// The master that it took the place of, which did not know that and took writes that nobody has.
    private(set) var former: SimulatedRedis?

    /// Which one took its place.
    private weak var successor: SimulatedRedis?
    private var replica = Keyspace()

    /// Numbers of publications that the replica does not have.
    private var unreplicated: [Int] = []

    /// Until when nobody reaches it.
    private(set) var isAwayUntil: UInt64 = 0
    private var clockBehind: UInt64 = 0

    /// Its own clock, in milliseconds.
    var clock: UInt64 { simulation.schedule.now - clockBehind }

    /// Who hears the bus, in the order of the nodes' starts.
    var listeners: [SimulatedWay] = []

    init(_ simulation: Simulation, number: Int) {
        self.simulation = simulation
        self.number = number
    }

    /// Goes on with what another one had that takes its place.
    private init(replacedBy successor: SimulatedRedis) {
        simulation = successor.simulation
        number = successor.number
        keys = successor.keys
        clockBehind = successor.clockBehind
        replicationID = successor.replicationID
        self.successor = successor
    }

    var isAway: Bool { simulation.schedule.now < isAwayUntil }

    func head(of channel: ChannelName) -> Position { keys.streams[channel]?.head ?? .start }

    // MARK: Channels

    /// `perseid_publish`.
    func publish(_ payload: Payload, to channel: ChannelName, key: String?, historyCount: Int) -> Position {
        var stream = keys.streams[channel] ?? SimulatedStream()
        if let key, let known = stream.once[key] { return known }
        let now = clock
        let previous = stream.head
        var position =
            now > previous.milliseconds ? Position(milliseconds: now, sequence: 0) : previous.successor
        // Not one that the other of two has given: no cursor could tell them apart.
        while former != nil || successor != nil, simulation.verifier.isGiven(position, in: channel) {
            position = position.successor
        }
        let publication = Publication(position: position, previous: previous, payload: payload)
        let number = payload.number
        simulation.verifier.note("\(channel): Redis takes \(number) at \(position) after \(previous)")
        if simulation.sabotage == .forgetsPublications, simulation.random.once(in: 10) { return position }
        let forgotten = keep(publication, in: &stream, of: channel, historyCount: historyCount)
        if let key { stream.once[key] = position }
        keys.streams[channel] = stream
        unreplicated.append(number)
        simulation.verifier.accept(publication, number: number, in: channel, key: key)
        simulation.verifier.forget(forgotten)
        if successor != nil { simulation.verifier.lose([number]) }
        for listener in hearers { listener.pass(publication, on: channel) }
        return position
    }

    private func keep(
        _ publication: Publication,
        in stream: inout SimulatedStream,
        of channel: ChannelName,
        historyCount: Int
    ) -> ArraySlice<Publication> {
        guard simulation.isKeyed(channel) else { return stream.append(publication, countMax: historyCount) }
        let ignoresKeys = simulation.sabotage == .replacesOtherKeys
        return stream.replace(
            with: publication,
            by: replicationID,
            keysMax: simulation.scenario.limits.keysMax,
            ignoresKeys: ignoresKeys
        )
    }

    /// `PUBLISH` by itself.
    func publishEphemeral(_ payload: Payload, to channel: ChannelName) {
        simulation.verifier.accept(ephemeral: payload.number)
        for listener in hearers { listener.pass(payload, on: channel) }
    }

    /// Those that hear this one, and not the other that it took the place of or that took its place.
    var hearers: [SimulatedWay] {
        (successor ?? self).listeners.filter { $0.isAtFormer == (successor != nil) }
    }

    /// `perseid_history`.
    func history(_ channel: ChannelName, since: Position?, countMax: Int, bytesMax: Int) -> HistoryPage {
        let stream = keys.streams[channel] ?? SimulatedStream()
        let isKeyed = simulation.isKeyed(channel)
        let tellsLosses = isKeyed && simulation.sabotage != .hidesLosses
        return HistoryPage(
            since: since,
            of: stream.entries,
            countMax: countMax,
            bytesMax: bytesMax,
            head: stream.head,
            floor: isKeyed ? stream.floor ?? stream.head : nil,
            beginsAnew: tellsLosses && since.map(stream.isUnknown) ?? false,
            breaks: tellsLosses ? stream.breaks : []
        )
    }

    /// The oldest entries lapse.
    func trim(_ channel: ChannelName, count: Int) {
        simulation.verifier.note("\(channel): \(count) of the oldest lapse")
        simulation.verifier.forget(keys.streams[channel]?.forget(count) ?? [])
    }

    // MARK: Faults

    /// The replica catches up.
    func replicate() {
        replica = keys
        unreplicated.removeAll()
    }

    /// The replica takes over, without what it had not heard of. With `leavesFormer` the master does not know that, and goes on for those
    /// who do not know it either.
    func failOver(leavesFormer: Bool = false) {
        let lost = unreplicated
        simulation.verifier.note("fail-over: \(lost) are lost")
        simulation.verifier.lose(unreplicated)
        unreplicated.removeAll()
        if leavesFormer { former = SimulatedRedis(replacedBy: self) }
        keys = replica
        replicationID += 1
        isAwayUntil = simulation.schedule.now + UInt64(simulation.random.number(1...400))
        if simulation.scenario.clockGoesBack { clockBehind = UInt64(simulation.random.number(0...600)) }
        for listener in listeners {
            if leavesFormer {
                listener.stayAtFormer(milliseconds: simulation.random.number(0...1_000))
            } else {
                listener.loseLinks()
            }
        }
    }

    /// Nobody is answered for a while.
    func stall(milliseconds: Int) {
        simulation.verifier.note("master \(self.number) stands still for \(milliseconds) ms")
        for listener in listeners { listener.stall(milliseconds: milliseconds) }
    }

    func flush() {
        simulation.verifier.note("flush")
        simulation.verifier.loseAll(of: simulation.channels.filter { simulation.master(of: $0) === self })
        keys = Keyspace()
        replicate()
    }
}

extension Payload {
    /// A payload of a number and some padding.
    init(number: Int, paddingWords: Int, key: PublicationKey? = nil) {
        let padding = [UInt8](repeating: 46, count: paddingWords * 8)
        self.init(kind: .text, bytes: Array("\(number) ".utf8) + padding, key: key)
    }

    var number: Int { Int(String(decoding: bytes.prefix { $0 != 32 }, as: UTF8.self))! }
}
