import Broker

/// What is true in a run: every publication that Redis ever took, what it lost again, and every secret. Collects what
/// goes against it.
final class Verifier {
    /// A publication that Redis took.
    struct Entry {
        let channel: ChannelName
        let position: Position
        let previous: Position
        let key: String?
        /// What it is about, in a keyed channel.
        let about: PublicationKey?
        /// Whether it lapsed, or had no room in Redis any more.
        var isForgotten = false
        /// Whether a fail-over or a flush removed it.
        var isLost = false
    }

    private let schedule: Schedule
    let trace = Trace()
    private(set) var violations: [Violation] = []

    /// By the number in its payload.
    private(set) var entries: [Int: Entry] = [:]
    private var numbers: [ChannelName: [Int]] = [:]
    private var ephemerals: Set<Int> = []
    private var secrets: [SessionID: SecretHash] = [:]

    /// Sums up what clients received, to compare two runs.
    private(set) var digest: UInt64 = 0
    private(set) var deliveryCount = 0

    init(schedule: Schedule) { self.schedule = schedule }

    func note(_ text: @autoclosure @escaping () -> String) { trace.note(schedule.now, text) }

    func expect(_ holds: Bool, _ rule: Rule, _ text: @autoclosure () -> String) {
        if !holds { fail(rule, text()) }
    }

    func fail(_ rule: Rule, _ text: String) {
        violations.append(Violation(rule: rule, millisecond: schedule.now, text: text, trace: trace.lines))
    }

    // MARK: Publications

    func accept(_ publication: Publication, number: Int, in channel: ChannelName, key: String?) {
        entries[number] = Entry(
            channel: channel,
            position: publication.position,
            previous: publication.previous,
            key: key,
            about: publication.payload.key
        )
        numbers[channel, default: []].append(number)
    }

    func accept(ephemeral number: Int) { ephemerals.insert(number) }

    func isEphemeral(_ number: Int) -> Bool { ephemerals.contains(number) }

    func forget(_ forgotten: some Sequence<Publication>) {
        for publication in forgotten { entries[publication.payload.number]?.isForgotten = true }
    }

    /// Publications of a keyed channel between two positions that a reader must be told: those of which no newer one of their key has taken
    /// the place, unless Redis lost that and the reader is beyond it without having been told it. Of what was forgotten up to the end of a snapshot nothing is told.
    /// With `number` only what Redis took before that one.
    func unreplaced(
        in channel: ChannelName,
        after low: Position,
        before high: Position,
        for reader: Standing,
        takenBefore number: Int? = nil
    ) -> [Int] {
        let all = numbers[channel, default: []]
        let end = number.flatMap { all.firstIndex(of: $0) } ?? all.endIndex
        return all[..<end].indices.filter { place in
            let entry = entries[all[place]]!
            guard entry.position > low, entry.position < high, !entry.isLost else { return false }
            if entry.isForgotten, let snapshotEnd = reader.snapshotEnd, entry.position <= snapshotEnd { return false }
            return !all[(place + 1)...].contains { number in
                let other = entries[number]!
                guard other.about == entry.about else { return false }
                // One that is further on may be told yet, of the same batch.
                return !other.isLost || other.position >= high || reader.received.contains(number)
            }
        }.map { all[$0] }
    }

    /// Publications of a key behind a position that Redis lost.
    func lostAll(about key: PublicationKey?, in channel: ChannelName, behind position: Position) -> [Int] {
        numbers[channel, default: []].filter { number in
            let entry = entries[number]!
            return entry.isLost && entry.about == key && entry.position > position
        }
    }

    func lose(_ lost: some Sequence<Int>) {
        for number in lost { entries[number]?.isLost = true }
    }

    func loseAll(of channels: [ChannelName]) { for channel in channels { lose(numbers[channel, default: []]) } }

    /// Whether a publication has a position already.
    func isGiven(_ position: Position, in channel: ChannelName) -> Bool {
        numbers[channel, default: []].contains { entries[$0]!.position == position }
    }

    /// I8: the position that a publisher is told is that of its publication, or of the first with its key.
    func acknowledge(_ number: Int, in channel: ChannelName, key: String?, at position: Position) {
        note("\(channel): \(number) is acknowledged at \(position)")
        let isKnown =
            if let entry = entries[number] {
                entry.channel == channel && entry.position == position
            } else {
                key != nil
                    && numbers[channel, default: []].contains {
                        entries[$0]!.key == key && entries[$0]!.position == position
                    }
            }
        expect(isKnown, .acknowledgement, "\(channel): \(number) was acknowledged at \(position) and is not in Redis")
    }

    /// Publications in a part of a channel that Redis still has or trimmed in order.
    func kept(in channel: ChannelName, after low: Position, upTo high: Position) -> [Int] {
        numbers[channel, default: []].filter {
            let entry = entries[$0]!
            return !entry.isLost && entry.position > low && entry.position <= high
        }
    }

    /// Whether a Redis whose clock went back gave a position twice. A cursor cannot tell the one from the other.
    func isAmbiguous(_ position: Position, in channel: ChannelName) -> Bool {
        numbers[channel, default: []].filter { entries[$0]!.position == position }.count > 1
    }

    func count(delivered number: Int, to client: Int) {
        deliveryCount += 1
        digest = (digest ^ UInt64(number &* 64 &+ client)) &* 0x100_0000_01B3
    }

    // MARK: Sessions

    func remember(_ id: SessionID, secret: SecretHash) { secrets[id] = secret }

    /// I9: nobody gets a session without its secret.
    func grant(_ id: SessionID, secret: SecretHash) {
        expect(secrets[id] == secret, .ownership, "session \(id) was granted to a wrong secret")
    }
}
