import Broker
import TestRandomness
import Testing

/// A log and its subscriptions, with bytes as arrays.
final class LogFixture {
    let log: FanoutLog
    var table = SubscriptionTable()
    private var connections: UInt32 = 0

    init(windowBytesMax: Int = 1_000_000, policy: SlowReaderPolicy = .disconnect) {
        log = FanoutLog(windowBytesMax: windowBytesMax, policy: policy)
    }

    func append(_ text: String, at position: Position? = nil) {
        var text = text
        text.withUTF8 { log.append(UnsafeRawBufferPointer($0), position: position) }
    }

    func join() -> SubscriptionSlot {
        connections += 1
        return log.add(client: ClientSlot(number: connections - 1), next: SubscriptionSlot.none, to: &table)
    }

    func leave(_ member: SubscriptionSlot) { log.remove(member, from: &table) }

    /// What a member has yet to get.
    func rest(of member: SubscriptionSlot) -> String {
        String(decoding: log.bytes(from: table[member].pointee.offset), as: UTF8.self)
    }

    /// Gives a member so many bytes, as a reactor does; `nil` gives it all.
    @discardableResult
    func send(to member: SubscriptionSlot, atMost count: Int? = nil) -> String {
        let reader = table[member]
        let bytes = log.bytes(from: reader.pointee.offset)
        let sent = min(count ?? bytes.count, bytes.count)
        let text = String(decoding: bytes.prefix(sent), as: UTF8.self)
        reader.pointee.offset += UInt64(sent)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        return text
    }

    /// Keeps what a member did not get.
    func fallBehind(_ member: SubscriptionSlot) {
        guard table[member].pointee.offset < log.end else { return }
        log.markBehind(table[member])
        log.keep(from: table[member].pointee.offset)
    }

    /// A whole round in which a member gets what `share` says, or all.
    @discardableResult
    func round(_ share: (SubscriptionSlot) -> Int? = { _ in nil }) -> [SubscriptionSlot: String] {
        var sent: [SubscriptionSlot: String] = [:]
        while let member = log.nextMember() {
            guard !table[member].pointee.flags.contains(.isSkipping) else { continue }
            sent[member] = send(to: member, atMost: share(member))
            fallBehind(member)
        }
        return sent
    }

    func flags(of member: SubscriptionSlot) -> Subscription.Flags { table[member].pointee.flags }
    func offset(of member: SubscriptionSlot) -> UInt64 { table[member].pointee.offset }
}

@Suite("Fan-out log")
struct FanoutLogTests {
    @Test("a subscription takes 32 bytes")
    func size() {
        #expect(MemoryLayout<Subscription>.size <= 32)
        #expect(MemoryLayout<Subscription>.stride == 32)
    }

    @Test("everyone gets all that was appended after joining, in one piece")
    func coalesces() {
        let fixture = LogFixture()
        let early = fixture.join()
        fixture.append("one.")
        let late = fixture.join()
        fixture.append("two.")
        fixture.append("three.")
        #expect(fixture.log.hasUnsentFrames)
        #expect(fixture.round() == [early: "one.two.three.", late: "two.three."])
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("an empty frame is none")
    func emptyFrame() {
        let fixture = LogFixture()
        fixture.append("")
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.end == 0)
    }

    @Test("a log without members keeps nothing after its round")
    func noMembers() {
        let fixture = LogFixture()
        fixture.append(String(repeating: "x", count: 10_000), at: 5)
        #expect(fixture.log.nextMember() == nil)
        #expect(fixture.log.keptBytes == 0)
        #expect(fixture.log.retainedBytes == 0)
        #expect(fixture.log.lastPosition == 5)
    }

    @Test("memory is given back when the last laggard caught up, but for what a steady channel needs")
    func givesMemoryBack() {
        let fixture = LogFixture()
        let slow = fixture.join()
        let fast = fixture.join()
        for _ in 0..<100 {
            fixture.append(String(repeating: "x", count: 1_000))
            fixture.round { $0 == slow ? 0 : nil }
        }
        #expect(fixture.log.behindCount == 1)
        #expect(fixture.log.keptBytes == 100_000)
        #expect(fixture.rest(of: fast).isEmpty)
        fixture.send(to: slow, atMost: 99_999)
        #expect(fixture.flags(of: slow).contains(.isBehind))
        fixture.send(to: slow)
        #expect(fixture.log.behindCount == 0)
        #expect(fixture.log.keptBytes == 0)
        #expect(fixture.log.retainedBytes == 0)

        fixture.append("small")
        fixture.round()
        #expect(fixture.log.retainedBytes > 0 && fixture.log.retainedBytes <= 4_096)
    }

    @Test("what is kept for a reader counts its frames, too, for a small one costs more than its bytes")
    func frameOverhead() {
        let fixture = LogFixture()
        let slow = fixture.join()
        for _ in 0..<1_000 {
            fixture.append("xyz")
            fixture.round { $0 == slow ? 0 : nil }
        }
        #expect(fixture.log.keptBytes == 3_000)
        let offset = fixture.table[slow].pointee.offset
        #expect(fixture.log.keptBytes(from: offset) == 3_000 + 1_000 * UInt64(FanoutLog.frameOverheadBytes))
        #expect(fixture.log.keptBytes(from: offset + 2_997) == 3 + UInt64(FanoutLog.frameOverheadBytes))
        #expect(fixture.log.memoryBytes >= 3_000 + 1_000 * FanoutLog.frameOverheadBytes)
    }

    @Test("memory is given back too if the laggard caught up before its round ended")
    func caughtUpInRound() {
        let fixture = LogFixture()
        let slow = fixture.join()
        _ = fixture.join()
        fixture.append(String(repeating: "x", count: 10_000))
        #expect(fixture.log.nextMember() == slow)
        fixture.send(to: slow, atMost: 10)
        fixture.fallBehind(slow)
        fixture.send(to: slow)
        #expect(fixture.log.behindCount == 0)
        fixture.round()
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.keptBytes == 0)
        #expect(fixture.log.retainedBytes == 0)
    }

    @Test("memory is given back if the only laggard leaves", arguments: [false, true])
    func laggardLeaves(inRound: Bool) {
        let fixture = LogFixture()
        let slow = fixture.join()
        _ = fixture.join()
        fixture.append(String(repeating: "x", count: 10_000))
        if inRound {
            #expect(fixture.log.nextMember() == slow)
            fixture.fallBehind(slow)
            fixture.leave(slow)
            fixture.round()
        } else {
            fixture.round { $0 == slow ? 3 : nil }
            fixture.leave(slow)
        }
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.behindCount == 0)
        #expect(fixture.log.keptBytes == 0)
        #expect(fixture.log.retainedBytes == 0)
    }

    @Test("keeps whole frames from the one its slowest reader stands in")
    func keepsWhatIsNeeded() {
        let fixture = LogFixture()
        let slow = fixture.join()
        let slower = fixture.join()
        for _ in 0..<10 { fixture.append("0123456789") }
        fixture.round { $0 == slow ? 55 : 34 }
        #expect(fixture.log.keptBytes == 70, "from the fourth frame on")
        fixture.send(to: slower, atMost: 40)
        fixture.append("x")
        fixture.round { _ in 0 }
        #expect(fixture.log.keptBytes == 51)
        #expect(fixture.send(to: slow) == "56789" + String(repeating: "0123456789", count: 4) + "x")
        #expect(fixture.send(to: slower).count == 27)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("a thousand stopped readers cost one window")
    func manyLaggards() {
        let fixture = LogFixture()
        for _ in 0..<1_000 { _ = fixture.join() }
        for _ in 0..<100 {
            fixture.append(String(repeating: "x", count: 1_000))
            fixture.round { _ in 0 }
        }
        #expect(fixture.log.behindCount == 1_000)
        #expect(fixture.log.keptBytes == 100_000)
        #expect(fixture.log.retainedBytes <= 200_000)
    }

    @Test("bytes that are kept move seldom, however long somebody lags")
    func amortized() {
        let fixture = LogFixture()
        let slow = fixture.join()
        let frame = String(repeating: "x", count: 100)
        for _ in 0..<640 { fixture.append(frame) }
        fixture.round { _ in 0 }
        var places: [UnsafeRawPointer] = []
        for _ in 0..<5_000 {
            fixture.append(frame)
            fixture.round { _ in 100 }
            let place = fixture.log.bytes(from: fixture.log.start).baseAddress! - Int(fixture.log.start)
            if place != places.last { places.append(place) }
        }
        #expect(fixture.log.keptBytes == 64_000)
        #expect(fixture.log.retainedBytes <= 4 * 64_000)
        // 500,000 bytes came and went; each may be moved about once.
        #expect(places.count <= 25, "moved \(places.count) times")
        #expect(fixture.rest(of: slow).utf8.count == 64_000)
    }

    @Test("frames that come during a round reach those it has yet to visit, and start another")
    func appendInRound() {
        let fixture = LogFixture()
        let first = fixture.join()
        let second = fixture.join()
        fixture.append("a")
        #expect(fixture.log.nextMember() == first)
        #expect(fixture.send(to: first) == "a")
        fixture.append("b")
        #expect(fixture.round() == [second: "ab"])
        #expect(fixture.log.hasUnsentFrames)
        #expect(fixture.round() == [first: "b", second: ""])
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("who joins during a round gets later frames only")
    func joinInRound() {
        let fixture = LogFixture()
        let first = fixture.join()
        fixture.append("a")
        #expect(fixture.log.nextMember() == first)
        fixture.send(to: first)
        let joiner = fixture.join()
        #expect(fixture.rest(of: joiner) == "")
        fixture.append("b")
        #expect(fixture.round() == [joiner: "b"])
        #expect(fixture.round() == [first: "b", joiner: ""])
    }

    @Test("a round visits everyone who stays exactly once, whoever leaves", arguments: 0..<300 as Range<UInt64>)
    func removeInRound(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let fixture = LogFixture()
        var staying = Set((0..<Int.random(in: 1...12, using: &generator)).map { _ in fixture.join() })
        let initial = staying
        var joined: Set<SubscriptionSlot> = []
        fixture.append("frame")
        var visits: [SubscriptionSlot: Int] = [:]
        while let member = fixture.log.nextMember() {
            visits[member, default: 0] += 1
            fixture.send(to: member)
            if generator.once(in: 5) {
                let joiner = fixture.join()
                // A slot may be used again.
                visits[joiner] = nil
                joined.insert(joiner)
            }
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                guard let leaver = staying.union(joined).sorted(by: \.number).randomElement(using: &generator) else {
                    break
                }
                fixture.leave(leaver)
                staying.remove(leaver)
                joined.remove(leaver)
                visits[leaver] = nil
            }
        }
        #expect(staying.isSubset(of: initial))
        for member in staying.subtracting(joined) { #expect(visits[member] == 1) }
        for member in joined { #expect((visits[member] ?? 0) <= 1) }
        #expect(Set(fixture.log.members) == staying.union(joined))
        #expect(fixture.log.members.count == fixture.table.count)
        for (place, member) in fixture.log.members.enumerated() {
            #expect(fixture.table[member].pointee.place == place)
        }
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("a log whose members all left in a round starts afresh")
    func everyoneLeaves() {
        let fixture = LogFixture()
        let first = fixture.join()
        let second = fixture.join()
        fixture.append("a")
        #expect(fixture.log.nextMember() == first)
        fixture.leave(second)
        fixture.leave(first)
        #expect(fixture.log.keptBytes == 0)
        let third = fixture.join()
        fixture.append("b")
        fixture.round()
        fixture.round()
        #expect(fixture.offset(of: third) == fixture.log.end)
        #expect(!fixture.log.hasUnsentFrames)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("those who leave in mid-frame share one copy of it")
    func restOfFrame() {
        let fixture = LogFixture()
        let member = fixture.join()
        fixture.append("first.")
        fixture.append("second.")
        #expect(fixture.log.restOfFrame(at: 0) == nil)
        #expect(fixture.log.restOfFrame(at: 6) == nil)
        #expect(fixture.log.restOfFrame(at: 13) == nil)
        let one = fixture.log.restOfFrame(at: 7)
        let two = fixture.log.restOfFrame(at: 9)
        #expect(one.map { String(decoding: $0.bytes, as: UTF8.self) } == "second.")
        #expect(one?.skipping == 1)
        #expect(two?.skipping == 3)
        let addresses = [one, two].map { rest in rest!.bytes.withUnsafeBufferPointer { $0.baseAddress! } }
        #expect(addresses[0] == addresses[1])
        #expect(fixture.log.restOfFrame(at: 5)?.skipping == 5)
        #expect(fixture.rest(of: member) == "first.second.")
    }

    @Test("a frame in whose middle its slowest reader stands is whole, wherever its memory went")
    func restAfterCompaction() {
        let fixture = LogFixture()
        let slow = fixture.join()
        fixture.append(String(repeating: "a", count: 900))
        fixture.append("0123456789")
        fixture.round { _ in 905 }
        for _ in 0..<50 {
            fixture.append(String(repeating: "b", count: 100))
            fixture.round { _ in 0 }
            let rest = fixture.log.restOfFrame(at: fixture.offset(of: slow))
            #expect(rest.map { String(decoding: $0.bytes.dropFirst($0.skipping), as: UTF8.self) } == "56789")
        }
        fixture.send(to: slow, atMost: 5)
        #expect(fixture.log.restOfFrame(at: fixture.offset(of: slow)) == nil)
        #expect(fixture.send(to: slow).count == 5_000)
    }
}

@Suite("Fan-out log, members that skip")
struct FanoutLogSkippingTests {
    /// A log of which one member got so many bytes of the frames `1111`, `2222`, `3333` at positions 1, 2, 3.
    private func fixture(_ policy: SlowReaderPolicy, got count: Int) -> (LogFixture, SubscriptionSlot) {
        let fixture = LogFixture(policy: policy)
        fixture.log.begin(at: .start)
        let member = fixture.join()
        for position in [1, 2, 3] as [Position] {
            fixture.append(String(repeating: "\(position.milliseconds)", count: 4), at: position)
        }
        fixture.round { _ in count }
        return (fixture, member)
    }

    private func begin(_ fixture: LogFixture, _ member: SubscriptionSlot) -> String {
        let rest = fixture.log.beginSkipping(member, in: fixture.table)
        return rest.map { String(decoding: $0.bytes.dropFirst($0.skipping), as: UTF8.self) } ?? ""
    }

    @Test("skip goes on behind the newest, and names what was missed")
    func skip() {
        let (fixture, member) = fixture(.skip, got: 4)
        #expect(begin(fixture, member) == "")
        #expect(fixture.flags(of: member) == [.isBehind, .isSkipping])
        fixture.append("4444", at: 4)
        fixture.round()
        let gap = fixture.log.endSkipping(member, in: fixture.table)
        #expect(gap == (from: 1, to: 4))
        #expect(fixture.offset(of: member) == fixture.log.end)
        fixture.log.markCaughtUp(fixture.table[member])
        #expect(fixture.log.keptBytes == 0)
        fixture.append("5555", at: 5)
        #expect(fixture.round() == [member: "5555"])
    }

    @Test("latest goes on with the newest, and names what was missed before it")
    func latest() {
        let (fixture, member) = fixture(.latest, got: 4)
        #expect(begin(fixture, member) == "")
        for position in [4, 5, 6] as [Position] {
            fixture.append(String(repeating: "\(position.milliseconds)", count: 4), at: position)
            fixture.round()
        }
        #expect(fixture.log.keptBytes == 4, "the newest and no more")
        let gap = fixture.log.endSkipping(member, in: fixture.table)
        #expect(gap == (from: 1, to: 5))
        #expect(fixture.rest(of: member) == "6666")
        fixture.append("7777", at: 7)
        #expect(fixture.round() == [member: "66667777"])
        #expect(fixture.log.behindCount == 0)
        #expect(fixture.log.keptBytes == 0)
    }

    @Test("the frame that was begun is finished first", arguments: [SlowReaderPolicy.skip, .latest])
    func midFrame(policy: SlowReaderPolicy) {
        let (fixture, member) = fixture(policy, got: 5)
        #expect(begin(fixture, member) == "222")
        let gap = fixture.log.endSkipping(member, in: fixture.table)
        #expect(gap == (from: 2, to: policy == .latest ? 2 : 3))
        #expect(fixture.rest(of: member) == (policy == .latest ? "3333" : ""))
    }

    @Test(
        "who had the newest already gets it no second time",
        arguments: [9, 11, 12],
        [SlowReaderPolicy.skip, .latest]
    )
    func newestKnown(got: Int, policy: SlowReaderPolicy) {
        let (fixture, member) = fixture(policy, got: got)
        // Payloads without a position push it out of the window.
        fixture.append("plain")
        fixture.round { _ in 0 }
        #expect(begin(fixture, member) == String(repeating: "3", count: 12 - got))
        fixture.round()
        let gap = fixture.log.endSkipping(member, in: fixture.table)
        #expect(gap == (from: 3, to: 3), "nothing with a position was missed")
        #expect(fixture.rest(of: member) == "")
    }

    @Test("a member that got nothing yet is told from where the log began")
    func fromTheBeginning() {
        let fixture = LogFixture(policy: .skip)
        fixture.log.begin(at: 40)
        let member = fixture.join()
        #expect(fixture.log.lastPosition == 40)
        fixture.append("41", at: 41)
        fixture.append("42", at: 42)
        fixture.round { _ in 0 }
        _ = begin(fixture, member)
        #expect(fixture.log.endSkipping(member, in: fixture.table) == (from: 40, to: 42))
    }

    @Test("a gap begins right though the frames before it are long gone")
    func droppedFrames() {
        let (fixture, member) = fixture(.skip, got: 12)
        #expect(fixture.log.keptBytes == 0)
        fixture.append("4444", at: 4)
        fixture.round { _ in 0 }
        _ = begin(fixture, member)
        fixture.round()
        fixture.append("5555", at: 5)
        fixture.round()
        #expect(fixture.log.endSkipping(member, in: fixture.table) == (from: 3, to: 5))
    }

    @Test("who skips holds no bytes back but the newest publication")
    func holdsNothing() {
        let (fixture, member) = fixture(.skip, got: 0)
        _ = begin(fixture, member)
        for position in 4...1_000 as ClosedRange<UInt64> {
            fixture.append(String(repeating: "x", count: 100), at: Position(milliseconds: position, sequence: 0))
            fixture.round()
            #expect(fixture.log.keptBytes <= 100)
        }
        #expect(fixture.log.retainedBytes <= 4_096)
        fixture.leave(member)
        #expect(fixture.log.keptBytes == 0)
        #expect(fixture.log.behindCount == 0)
    }

    @Test("who rejoins in the middle of a round that passed it keeps what it needs")
    func rejoinInRound() {
        let fixture = LogFixture(policy: .latest)
        let member = fixture.join()
        let other = fixture.join()
        fixture.append("1111", at: 1)
        fixture.round { $0 == member ? 0 : nil }
        _ = begin(fixture, member)
        fixture.append("2222", at: 2)
        #expect(fixture.log.nextMember() == member)
        #expect(fixture.log.endSkipping(member, in: fixture.table) == (from: .start, to: 1))
        #expect(fixture.send(to: member, atMost: 1) == "2")
        #expect(fixture.log.nextMember() == other)
        fixture.send(to: other)
        #expect(fixture.log.nextMember() == nil)
        #expect(fixture.rest(of: member) == "222")
        fixture.send(to: member)
        #expect(fixture.log.keptBytes == 0)
    }
}
