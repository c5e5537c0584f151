import Broker
import Hub
import Wire

/// A hub whose clock, connections and backplane are the test's: nothing happens but what the test has happen.
final class PacedHub: HubOutlet {
    /// Milliseconds of its clock, and of the one that tells the time of day.
    private(set) var nowMilliseconds: UInt64 = 10_000

    private(set) var hub: Hub<PacedHub>
    let metrics = HubMetrics()
    private(set) var readers: [TestReader] = []
    private(set) var polls: [TestPoll] = []

    /// Whether positions of all channels come from one clock, as where patterns are read.
    var hasOneClock = false

    /// Whether now and then two channels are published to in one millisecond, and so at one position.
    var sharesPositions = false
    private var newestMilliseconds: UInt64 = 0

    /// How often the readers of a channel are told by rule, and which channels are keyed.
    var rules: [ChannelName: PaceRule] = [:]
    var keyed: Set<ChannelName> = []

    /// Publications that the backplane tells at once.
    var pageCountMax = Int.max

    /// What happens to a reader that lacks more than its window.
    var policy = SlowReaderPolicy.merge
    var windowBytesMax = 65_536

    /// How messages may be compressed.
    var compression = Compression.off

    /// How many the backplane was told read each channel.
    private(set) var subscribers: [ChannelName: Int] = [:]

    /// Why polls got nothing.
    private(set) var refusals: [PollRefusal] = []

    /// What its owner does when a poll is held.
    var whenHeld: (Poll) -> Void = { _ in }

    /// All that was ever published.
    private(set) var published: [ChannelName: [Publication]] = [:]
    private var open: Set<ChannelName> = []

    /// What the backplane is yet to answer.
    private var answers: [() -> Void] = []

    private var staged: [(bytes: UnsafeRawBufferPointer, slot: ClientSlot, member: SubscriptionSlot)] = []

    init(_ change: (inout Limits) -> Void = { _ in }) {
        var limits = Limits()
        limits.openMilliseconds = 1_000_000
        change(&limits)
        hub = Hub(limits: limits, reactorCount: 1, metrics: metrics)
        hub.attach(to: self)
    }

    // MARK: What a test has happen

    /// A reader comes.
    func connect(
        _ carrier: CarrierID,
        _ channels: [(ChannelName, Position?)],
        _ pace: Pace = .any,
        entries: [ChannelName: Position] = [:]
    ) -> TestReader {
        let reader = TestReader(slot: ClientSlot(number: UInt32(readers.count)), carrier, pace)
        readers.append(reader)
        let sorted = channels.sorted { $0.0.text < $1.0.text }.map { (name: $0.0, since: $0.1) }
        if carrier == .webSocket {
            for channel in sorted { hub.join(reader.slot, [channel], entries: entries, commandID: [0x37], pace: pace) }
        } else {
            hub.join(reader.slot, sorted, entries: entries, pace: pace)
        }
        return reader
    }

    /// A reader that is there asks for channels in one request, or for one of them by a command.
    func join(
        _ reader: TestReader,
        _ channels: [(ChannelName, Position?)],
        entries: [ChannelName: Position] = [:],
        byCommand: Bool = false
    ) {
        let sorted = channels.sorted { $0.0.text < $1.0.text }.map { (name: $0.0, since: $0.1) }
        hub.join(reader.slot, sorted, entries: entries, commandID: byCommand ? [0x37] : nil, pace: reader.pace)
    }

    /// A poll comes.
    func poll(
        _ channels: [(ChannelName, Position?)],
        _ pace: Pace = .any,
        entries: [ChannelName: Position] = [:],
        holdMilliseconds: UInt64 = 25_000,
        bytesMax: Int = 262_144
    ) -> TestPoll {
        let reader = TestReader(slot: ClientSlot(number: UInt32(readers.count)), .poll, pace)
        readers.append(reader)
        let poll = Poll(
            client: id(of: reader.slot),
            encoding: Encoding(.poll, .perseid, isChunked: false),
            hasSession: false,
            hasCursor: channels.contains { $0.1 != nil },
            holdMilliseconds: holdMilliseconds,
            bytesMax: bytesMax
        )
        let test = TestPoll(poll, cameMilliseconds: nowMilliseconds)
        polls.append(test)
        let sorted = channels.sorted { $0.0.text < $1.0.text }.map { (name: $0.0, since: $0.1) }
        hub.join(reader.slot, sorted, entries: entries, pace: pace, poll: poll)
        return test
    }

    func close(_ reader: TestReader) {
        guard reader.client.pointee.lifeCycle != .closed else { return }
        hub.remove(reader.slot)
        reader.client.pointee.lifeCycle.advance(to: .closed)
    }

    @discardableResult
    func publish(_ channel: ChannelName, _ key: String? = nil, bytes: Int = 1) -> Publication {
        let previous = published[channel]?.last?.position ?? .start
        let payload = Payload(
            kind: .text,
            bytes: Array(repeating: UInt8(ascii: "x"), count: bytes),
            key: key.flatMap { PublicationKey($0) }
        )
        let isShared = sharesPositions && newestMilliseconds % 3 == 1 && previous.milliseconds < newestMilliseconds
        if !isShared { newestMilliseconds += 1 }
        let milliseconds = hasOneClock ? newestMilliseconds : previous.milliseconds + 1
        let position = Position(milliseconds: milliseconds, sequence: 0)
        let publication = Publication(position: position, previous: previous, payload: payload)
        for pattern in open where pattern.stands(for: channel) { find(channel, by: pattern) }
        published[channel, default: []].append(publication)
        if open.contains(channel) { hub.take(publication, in: channel) }
        return publication
    }

    /// The oldest of a channel are remembered no longer.
    func forget(_ count: Int, of channel: ChannelName) { published[channel]?.removeFirst(count) }

    /// Time passes, and the reactor has a turn whenever something is due.
    func pass(milliseconds: UInt64) {
        let end = nowMilliseconds + milliseconds
        while let next = hub.nextPaceMilliseconds, next < end {
            nowMilliseconds = max(nowMilliseconds, next)
            turn()
        }
        nowMilliseconds = end
        turn()
    }

    /// The backplane answers a question; says whether there was one.
    func answerNext() -> Bool {
        guard !answers.isEmpty else { return false }
        answers.removeFirst()()
        return true
    }

    /// It answers all of them, and the reactor has its turns.
    func settle() {
        repeat { turn() } while answerNext()
        turn()
    }

    func turn() {
        // A connection that takes bytes says so at once: readiness is level-triggered.
        for reader in readers where !reader.isFull { unblock(reader) }
        var hasWorkLeft = true
        while hasWorkLeft {
            hasWorkLeft = hub.releaseDue()
            if hub.flush() { hasWorkLeft = true }
            if hub.finishReadyJoins() { hasWorkLeft = true }
            if hub.giveUpDueJoins() { hasWorkLeft = true }
            if hub.answerDuePolls() { hasWorkLeft = true }
        }
        for test in polls where !test.isAnswered { _ = hub.answerPollIfDue(of: test.poll.client.slot) }
        hub.tellCounts()
    }

    func unblock(_ reader: TestReader) {
        reader.isFull = false
        if reader.client.pointee.isBlocked, !reader.client.pointee.isClosed { hub.drain(reader.slot) }
    }

    // MARK: Clients

    func client(at slot: ClientSlot) -> UnsafeMutablePointer<Client> { readers[Int(slot.number)].client }

    func client(_ id: ClientID) -> UnsafeMutablePointer<Client>? {
        let client = readers[Int(id.slot.number)].client
        return client.pointee.isClosed ? nil : client
    }

    func id(of slot: ClientSlot) -> ClientID { ClientID(slot: slot, generation: 1) }

    var clockNanoseconds: UInt64 { nowMilliseconds * 1_000_000 }
    var wallMilliseconds: UInt64 { nowMilliseconds }

    func send(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot) -> Sent {
        let reader = readers[Int(slot.number)]
        guard !reader.isFull else { return .full }
        reader.take(bytes, at: nowMilliseconds)
        return .moved(bytes.count)
    }

    func send(_ parts: [UnsafeRawBufferPointer], to slot: ClientSlot) -> Sent {
        let reader = readers[Int(slot.number)]
        guard !reader.isFull else { return .full }
        for part in parts { reader.take(part, at: nowMilliseconds) }
        return .moved(parts.reduce(0) { $0 + $1.count })
    }

    var stagedCountMax: Int { 64 }

    func stage(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot, of member: SubscriptionSlot) {
        staged.append((bytes, slot, member))
    }

    func sendStaged(_ outcome: (_ member: SubscriptionSlot, _ byteCount: Int, Sent) -> Void) {
        for each in staged { outcome(each.member, each.bytes.count, send(each.bytes, to: each.slot)) }
        staged.removeAll()
    }

    func isAcknowledged(_ slot: ClientSlot) -> Bool { true }
    func didBlock(_ slot: ClientSlot) {}
    func didUnblock(_ slot: ClientSlot) {}
    func didSendOutbox(_ slot: ClientSlot) {}
    func closeOverfull(_ slot: ClientSlot, heldBytes: Int) { readers[Int(slot.number)].note("overfull") }
    func willSayBye(_ slot: ClientSlot, _ code: ByeCode) { readers[Int(slot.number)].note("bye \(code)") }
    func closeWhenSent(_ slot: ClientSlot) { client(at: slot).pointee.lifeCycle.advance(to: .closing) }
    func drawReconnectMilliseconds() -> UInt64 { 1_000 }

    // MARK: Requests

    func didOpenChannel(_ slot: ClientSlot) {}

    func refuse(_ slot: ClientSlot, _ channel: ChannelName, commandID: [UInt8]?, code: UInt16, _ message: String) {
        readers[Int(slot.number)].note("refused \(code) \(message)")
    }

    func didHold(_ poll: Poll, milliseconds: UInt64) { whenHeld(poll) }
    func isWaitedFor(_ poll: Poll) -> Bool { polls.contains { $0.poll === poll && !$0.isAnswered } }
    func answer(_ poll: Poll) { polls.first { $0.poll === poll }?.take(at: nowMilliseconds) }
    func refuse(_ poll: Poll, _ why: PollRefusal) { refusals.append(why) }

    // MARK: The backplane

    func watch(_ channel: ChannelName) {
        answers.append { [unowned self] in
            open.insert(channel)
            guard channel.isPattern else { return hub.opened(channel, head: head(of: channel)) }
            for known in published.keys where channel.stands(for: known) { find(known, by: channel) }
            // In its last millisecond more may be published.
            let milliseconds = sharesPositions ? max(newestMilliseconds, 1) - 1 : newestMilliseconds
            hub.opened(channel, head: Position(milliseconds: milliseconds, sequence: 0))
        }
    }

    private func head(of channel: ChannelName) -> Position { published[channel]?.last?.position ?? .start }

    private func find(_ channel: ChannelName, by pattern: ChannelName) {
        hub.found(channel, by: pattern)
        if open.insert(channel).inserted { hub.opened(channel, head: head(of: channel)) }
    }

    func unwatch(_ channel: ChannelName) { open.remove(channel) }

    func recover(_ channel: ChannelName, since position: Position) {
        answers.append { [unowned self] in
            let all = published[channel] ?? []
            let missed = all.filter { $0.position > position }
            hub.recovered(
                channel,
                HistoryPage(
                    since: position,
                    publications: Array(missed.prefix(pageCountMax)),
                    head: all.last?.position ?? .start,
                    hasMore: missed.count > pageCountMax
                )
            )
        }
    }

    func count(_ channel: ChannelName, subscribers: Int) { self.subscribers[channel] = subscribers }
    func save(_ session: SessionID, of slot: ClientSlot, _ changes: [SessionPosition]) {}
    func release(_ session: SessionID, of slot: ClientSlot) {}
    func enter(_ channel: ChannelName, _ slot: ClientSlot, transport: String) {}
    func leave(_ channel: ChannelName, _ slot: ClientSlot, _ departure: Departure) {}

    // MARK: Rules

    func policy(of channel: ChannelName) -> (policy: SlowReaderPolicy, windowBytesMax: Int) { (policy, windowBytesMax) }
    func compression(of channel: ChannelName) -> Compression { compression }
    func isKeyed(_ channel: ChannelName) -> Bool { keyed.contains(channel) }
    func pace(of channel: ChannelName) -> PaceRule { rules[channel] ?? PaceRule() }
    func hasPresence(_ channel: ChannelName) -> Bool { false }
}
