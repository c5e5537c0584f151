import Broker
import TestRandomness
import Testing

/// A reactor's work with one log, done at random: members come, go, stop reading and read on, rounds are interrupted,
/// and all that a member gets is compared with what was appended.
private final class LogModel {
    /// A client and what it must get next.
    struct Client {
        /// Bytes it must get, and the frame that begins at each boundary in them.
        var received = 0
        /// The frame it gets next, and how much of it it has.
        var frame: Int
        var frameBytes = 0
        /// Whether its socket is full.
        var isBlocked = false
        /// Behind what it is still owed of a frame it was sent partly.
        var owed: [UInt8] = []
        /// The last position it knows.
        var position: Position
    }

    static let window = 600
    static let frameBytesMax = 90

    let fixture: LogFixture
    var generator: SeededGenerator
    var clients: [SubscriptionSlot: Client] = [:]
    var frames: [(bytes: [UInt8], position: Position?)] = []
    var head = Position.start
    var disconnects = 0
    var skips = 0
    var peakBytes = 0

    private let policy: SlowReaderPolicy

    /// The lowest offset anybody needed in the round under way.
    private var roundNeeds: UInt64?

    init(seed: UInt64, policy: SlowReaderPolicy) {
        generator = SeededGenerator(seed: seed)
        self.policy = policy
        fixture = LogFixture(windowBytesMax: Self.window, policy: policy)
    }

    private var log: FanoutLog { fixture.log }

    func publish() {
        var position: Position?
        if !generator.once(in: 4) {
            head = Position(milliseconds: head.milliseconds + 1, sequence: 0)
            position = head
        }
        let count = Int.random(in: 1...Self.frameBytesMax, using: &generator)
        let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        frames.append((bytes, position))
        bytes.withUnsafeBytes { log.append($0, position: position) }
    }

    func join() {
        clients[fixture.join()] = Client(frame: frames.count, position: head)
    }

    func leave(_ member: SubscriptionSlot) {
        // Who leaves in mid-frame is still sent its end.
        let client = clients[member]!
        if client.owed.isEmpty, client.frameBytes > 0 {
            let rest = log.restOfFrame(at: fixture.offset(of: member))
            #expect(
                rest.map { Array($0.bytes[$0.skipping...]) } == Array(frames[client.frame].bytes[client.frameBytes...])
            )
        }
        clients[member] = nil
        fixture.leave(member)
    }

    /// A client's socket takes some bytes, mostly all.
    private func take(_ bytes: UnsafeRawBufferPointer, _ member: SubscriptionSlot) -> Int {
        let isSlow = member.number % 3 == 0
        let taken =
            generator.once(in: isSlow ? 2 : 10)
            ? Int.random(in: 0...min(bytes.count, 120), using: &generator)
            : (isSlow ? min(bytes.count, 45) : bytes.count)
        check(bytes.prefix(taken), member)
        return taken
    }

    /// Each byte must be the next one of the frames, in order.
    private func check(_ bytes: Slice<UnsafeRawBufferPointer>, _ member: SubscriptionSlot) {
        var client = clients[member]!
        var rest = bytes[...]
        while !rest.isEmpty {
            guard client.frame < frames.count else {
                Issue.record("bytes that were never appended")
                break
            }
            let expected = frames[client.frame].bytes[client.frameBytes...].prefix(rest.count)
            if !rest.prefix(expected.count).elementsEqual(expected) {
                Issue.record("not the bytes of frame \(client.frame)")
            }
            rest = rest.dropFirst(expected.count)
            client.frameBytes += expected.count
            if client.frameBytes == frames[client.frame].bytes.count {
                client.position = frames[client.frame].position ?? client.position
                client.frame += 1
                client.frameBytes = 0
            }
        }
        client.received += bytes.count
        clients[member] = client
    }

    private func sendLog(_ member: SubscriptionSlot) {
        let reader = fixture.table[member]
        let bytes = log.bytes(from: reader.pointee.offset)
        guard bytes.count > 0 else { return }
        let taken = take(bytes, member)
        reader.pointee.offset += UInt64(taken)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        if taken < bytes.count { clients[member]!.isBlocked = true }
    }

    /// One member of a round.
    func visit() {
        let needed = roundNeeds ?? log.end
        roundNeeds = needed
        guard let member = log.nextMember() else {
            roundNeeds = nil
            return checkBounds(needed)
        }
        if !clients[member]!.isBlocked { sendLog(member) }
        if clients[member]!.isBlocked { fallBehind(member) }
    }

    private func fallBehind(_ member: SubscriptionSlot) {
        let reader = fixture.table[member]
        guard !reader.pointee.flags.contains(.isSkipping), reader.pointee.offset < log.end else { return }
        if log.end - reader.pointee.offset <= UInt64(Self.window) {
            log.markBehind(reader)
            roundNeeds = min(roundNeeds!, reader.pointee.offset)
            return log.keep(from: reader.pointee.offset)
        }
        guard policy != .disconnect else {
            disconnects += 1
            return leave(member)
        }
        skips += 1
        let rest = log.beginSkipping(member, in: fixture.table).map { Array($0.bytes[$0.skipping...]) } ?? []
        let client = clients[member]!
        let owed = client.frameBytes > 0 ? Array(frames[client.frame].bytes[client.frameBytes...]) : []
        #expect(rest == owed)
        clients[member]!.owed = rest
    }

    /// A blocked client's socket takes bytes again.
    func unblock(_ member: SubscriptionSlot) {
        guard clients[member]!.isBlocked else { return }
        if !clients[member]!.owed.isEmpty {
            let owed = clients[member]!.owed
            let taken = owed.withUnsafeBytes { take($0, member) }
            clients[member]!.owed.removeFirst(taken)
            if taken < owed.count { return }
        }
        clients[member]!.isBlocked = false
        if fixture.flags(of: member).contains(.isSkipping) { rejoin(member) }
        sendLog(member)
    }

    private func rejoin(_ member: SubscriptionSlot) {
        let known = clients[member]!.position
        let firstMissed = clients[member]!.frame
        let gap = log.endSkipping(member, in: fixture.table)
        let newest = frames.lastIndex { $0.position != nil }
        let resumesAt: Int
        let reaches: Position
        if policy == .latest, let newest, newest >= firstMissed {
            resumesAt = newest
            reaches = frames[..<newest].last { $0.position != nil }?.position ?? .start
        } else {
            resumesAt = frames.count
            reaches = head
        }
        #expect(gap == (from: known, to: reaches))
        clients[member]!.frame = resumesAt
        clients[member]!.position = reaches
        let reader = fixture.table[member]
        roundNeeds = roundNeeds.map { min($0, reader.pointee.offset) }
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
    }

    /// I5, checked after each round: what is kept is what the slowest needs, in whole frames, and no more.
    private func checkBounds(_ roundNeeded: UInt64) {
        var needed = roundNeeded
        let reading = clients.keys.filter { !fixture.flags(of: $0).contains(.isSkipping) }
        let isAnyoneSkipping = reading.count < clients.count
        if isAnyoneSkipping, let newest = frames.lastIndex(where: { $0.position != nil }) {
            needed = min(needed, log.end - UInt64(frames[newest...].reduce(0) { $0 + $1.bytes.count }))
        }
        #expect(log.start + UInt64(Self.frameBytesMax) > needed, "more is kept than anybody needed in this round")
        for member in reading { #expect(log.start <= fixture.offset(of: member)) }
        if log.behindCount == 0, !log.hasUnsentFrames { #expect(log.keptBytes == 0) }
        peakBytes = max(peakBytes, log.retainedBytes)
    }

    func step() {
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<18: publish()
        case ..<75 where log.hasUnsentFrames: visit()
        case ..<95:
            if let member = clients.keys.sorted(by: \.number).randomElement(using: &generator) { unblock(member) }
        case ..<98: if clients.count < 12 { join() }
        default: if let member = clients.keys.sorted(by: \.number).randomElement(using: &generator) { leave(member) }
        }
    }

    /// Everyone reads on: then everyone has everything, and the log has nothing.
    func settle() {
        while log.hasUnsentFrames || clients.values.contains(where: \.isBlocked) {
            while log.hasUnsentFrames { visit() }
            for member in clients.keys.sorted(by: \.number) where clients[member]!.isBlocked { unblock(member) }
        }
        for client in clients.values {
            #expect(client.frame == frames.count)
            #expect(client.frameBytes == 0)
            #expect(client.position == head)
        }
        #expect(log.keptBytes == 0)
        #expect(log.behindCount == 0)
        #expect(log.retainedBytes <= 4_096)
        #expect(log.members.count == clients.count)
        #expect(fixture.table.count == clients.count)
        frames.removeAll()
        for member in clients.keys { clients[member]!.frame = 0 }
    }
}

@Suite("Fan-out log against a naive model")
struct FanoutLogModelTests {
    @Test(
        "everyone gets exactly the frames since it joined, or resumes where its policy says; memory stays bounded",
        arguments: SlowReaderPolicy.allCases
    )
    func random(policy: SlowReaderPolicy) {
        var actions = 0
        for seed in 0..<6 as Range<UInt64> {
            let model = LogModel(seed: seed, policy: policy)
            for _ in 0..<10 {
                for _ in 0..<600 { model.step() }
                model.settle()
            }
            actions += model.disconnects + model.skips
            // A window, the frames of the rounds that overtook it, and room to grow.
            #expect(model.peakBytes <= 16 * LogModel.window, "retained \(model.peakBytes) bytes")
        }
        #expect(actions > 100, "too few fell out of the window to say anything: \(actions)")
    }
}
