import Broker
import Foundation
import Reactor
import Synchronization
import Testing

@testable import Backplane

/// Writes down what a backplane says.
private final class Recorder: BackplaneDelegate {
    var events: [String] = []
    var payloads: [String] = []
    var heard: [String: [Publication]] = [:]
    var positions: [UInt64: Position] = [:]
    var page: HistoryPage?
    var facts: ChannelFacts?
    var grant: Result<SessionGrant, SessionFailure>?
    var write: SessionWrite?
    var touched: [UInt8]?
    var list: PresenceList?
    var control: ControlAnswer?

    func linkChanged() { events.append("link") }
    func asked(_ question: ClusterQuestion, _ call: ClusterCall) { events.append("asked by \(call.asker)") }
    func announced(_ number: UInt64, _ nodes: Result<Int, BackplaneFailure>) { events.append("announced \(nodes)") }
    func replied(_ number: UInt64, _ part: ClusterPart) { events.append("replied \(part.count)") }
    func revoked(_ revocations: [Revocation]) { events.append("revoked \(revocations.count)") }
    func controlled(_ ticket: Ticket, _ answer: Result<ControlAnswer, BackplaneFailure>) {
        events.append("controlled \(ticket.number)")
        control = try? answer.get()
    }
    func willOpened(_ will: WillID, _ outcome: Result<Void, BackplaneFailure>) { events.append("will") }
    func willWritten(_ will: WillID, _ outcome: Result<Bool, BackplaneFailure>) { events.append("will") }
    func willRenewed(_ will: WillID, _ outcome: Result<WillRenewal, BackplaneFailure>) { events.append("will") }
    func willRead(_ will: WillID, _ outcome: Result<[[UInt8]]?, BackplaneFailure>) { events.append("will") }
    func fenceRead(for entry: [UInt8], _ outcome: Result<UInt64?, BackplaneFailure>) { events.append("fence") }
    func spent(_ ticket: Ticket, _ outcome: Result<UInt64, BackplaneFailure>) {
        events.append("spent \(ticket.number)")
    }
    func told(_ channel: ChannelName, _ listeners: Result<Int, BackplaneFailure>) {
        events.append("told \(channel) to \((try? listeners.get()) ?? -1)")
    }
    func ticketsShared(_ secrets: [[UInt8]]) { events.append("tickets") }
    func subscribed(_ channel: ChannelName) { events.append("subscribed \(channel)") }
    func refused(_ channel: ChannelName, _ reason: String) { events.append("refused \(channel)") }
    func heard(_ publication: Publication, in channel: ChannelName) {
        heard[channel.text, default: []].append(publication)
    }
    func heard(_ payload: Payload, in channel: ChannelName) {
        events.append("ephemeral \(channel)")
        payloads.append(String(decoding: payload.bytes, as: UTF8.self))
    }

    func read(
        _ channel: ChannelName,
        for purpose: ReadPurpose,
        since: Position?,
        _ page: Result<HistoryPage, BackplaneFailure>
    ) {
        self.page = try? page.get()
    }

    func published(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>) {
        positions[ticket.number] = try? outcome.get()
    }

    func described(_ ticket: Ticket, _ facts: Result<ChannelFacts, BackplaneFailure>) {
        self.facts = try? facts.get()
    }

    func granted(_ request: SessionRequest, _ outcome: Result<SessionGrant, SessionFailure>) { grant = outcome }

    func saved(
        _ session: SessionID,
        fence: UInt64,
        for ticket: Ticket?,
        _ outcome: Result<SessionWrite, BackplaneFailure>
    ) {
        write = try? outcome.get()
    }

    func heard(_ publication: Publication, in channel: ChannelName, by pattern: ChannelName) {
        events.append("\(pattern): \(channel) \(publication.payload.bytes.count)")
    }

    func found(_ part: FoundChannels?) {
        events.append("found \(part?.channels.map { "\($0.name)" }.sorted() ?? [])")
    }

    func touched(_ ticket: Ticket, _ outcome: Result<[UInt8]?, BackplaneFailure>) { touched = try? outcome.get() }

    func renewed(_ channel: ChannelName, lost: [MemberID], missing: [MemberID]) {}

    func listed(_ ticket: Ticket, _ list: Result<PresenceList, BackplaneFailure>) { self.list = try? list.get() }

    func taken(_ session: SessionID, fence: UInt64, _ taking: SessionTaking) { events.append("taken \(fence)") }
}

/// Clocks that go on when a test says so.
private final class SettableClock: Sendable {
    private let times = Lock((wall: Clock.realtimeMilliseconds, monotonic: 1_000_000 as UInt64))

    var wall: UInt64 { times.withLock { $0.wall } }
    var monotonic: UInt64 { times.withLock { $0.monotonic } }

    func pass(_ milliseconds: UInt64) {
        times.withLock { $0 = ($0.wall + milliseconds, $0.monotonic + milliseconds) }
    }

    /// Somebody sets the clock on the wall.
    func setWall(_ milliseconds: UInt64) { times.withLock { $0.wall = milliseconds } }
}

@Suite("Memory backplane")
struct MemoryBackplaneTests {
    private let recorder = Recorder()
    private let clock = SettableClock()

    private func backplane(_ change: (inout Limits) -> Void = { _ in }) -> MemoryBackplane {
        var limits = Limits()
        change(&limits)
        let clock = clock
        let time = MemoryBackplane.Time(wall: { clock.wall }, monotonic: { clock.monotonic })
        let backplane = MemoryBackplane(limits: limits, time: time)
        backplane.start(delegate: recorder)
        return backplane
    }

    private func page(
        _ backplane: MemoryBackplane,
        _ channel: String,
        since: Position?,
        limit: Int = 1_000,
        bytesMax: Int = 1_000_000
    ) -> HistoryPage {
        recorder.page = nil
        backplane.read(ChannelName(channel)!, since: since, countMax: limit, bytesMax: bytesMax, for: .fill)
        return recorder.page!
    }

    @Test("is up from the start")
    func isUp() {
        #expect(backplane().isUp)
        #expect(recorder.events == ["link"])
    }

    @Test("positions only go forward, and every publication names its predecessor")
    func chain() {
        let backplane = backplane()
        backplane.subscribe(ChannelName("a")!)
        #expect(recorder.events == ["link", "subscribed a"])
        for number in 0..<5_000 as Range<UInt64> { backplane.publish(request("a", number: number)) }
        let heard = recorder.heard["a"]!
        #expect(heard.count == 5_000)
        #expect(heard[0].previous == .start)
        #expect(zip(heard, heard.dropFirst()).allSatisfy { $1.previous == $0.position && $1.position > $0.position })
        for number in 0..<5_000 as Range<UInt64> { #expect(recorder.positions[number] == heard[Int(number)].position) }
        #expect(heard[0].position.milliseconds == clock.wall)
    }

    @Test("only channels that are subscribed to are heard, and each one its own")
    func subscriptions() {
        let backplane = backplane()
        backplane.publish(request("a"))
        backplane.subscribe(ChannelName("a")!)
        backplane.publish(request("a"))
        backplane.publish(request("b"))
        backplane.unsubscribe(ChannelName("a")!)
        backplane.publish(request("a"))
        #expect(recorder.heard.mapValues(\.count) == ["a": 1])
        #expect(page(backplane, "a", since: nil).publications.count == 3)
        #expect(page(backplane, "b", since: nil).publications.count == 1)
    }

    @Test("a channel remembers as much as the newest publish says, and never more than the limits allow")
    func historyRules() {
        let backplane = backplane { $0.historyCountMax = 10 }
        func publish(_ count: Int, _ rule: HistoryRule, isKeyed: Bool = false, to channel: String = "a") {
            for number in 0..<count {
                let key = isKeyed ? PublicationKey("\(number)") : nil
                backplane.publish(
                    PublishRequest(
                        ticket: Ticket(reactor: 0, number: 1),
                        channel: ChannelName(channel)!,
                        payload: Payload(kind: .text, bytes: [120], key: key),
                        idempotencyKey: nil,
                        isKeyed: isKeyed,
                        history: rule
                    )
                )
            }
        }
        publish(20, HistoryRule(countMax: 1_000))
        #expect(page(backplane, "a", since: nil).publications.count == 10)
        publish(1, HistoryRule(countMax: 3))
        #expect(page(backplane, "a", since: nil).publications.count == 3)
        publish(1, HistoryRule(countMax: 0))
        let nothing = page(backplane, "a", since: nil)
        #expect(nothing.publications.isEmpty && nothing.head == recorder.positions[1])
        publish(5, HistoryRule(ageMilliseconds: 2_000))
        clock.pass(2_000)
        #expect(page(backplane, "a", since: nil).publications.count == 5)
        clock.pass(1)
        #expect(page(backplane, "a", since: nil).publications.isEmpty)
        // Longer than the limits allow is as long as they do.
        publish(1, HistoryRule(ageMilliseconds: 1_000_000))
        clock.pass(300_001)
        #expect(page(backplane, "a", since: nil).publications.isEmpty)
        publish(20, HistoryRule(countMax: 5), isKeyed: true, to: "keyed")
        #expect(page(backplane, "keyed", since: nil).publications.count == 5)
        publish(2, HistoryRule(countMax: 0), isKeyed: true, to: "keyed")
        #expect(page(backplane, "keyed", since: nil).publications.count == 1)
    }

    @Test(
        "a channel that is cleared moves on, remembers nothing, and tells a mark to who hears it by either way",
        arguments: [false, true]
    )
    func clear(isKeyed: Bool) {
        let backplane = backplane()
        let (name, ticket) = (ChannelName("room/a")!, Ticket(reactor: 0, number: 7))
        backplane.clear(name, isKeyed: isKeyed, for: ticket)
        guard case .cleared(.start)? = recorder.control else { return #expect(Bool(false), "it never was") }
        backplane.subscribe(name)
        backplane.subscribe(ChannelName("room/*")!)
        var last = Position.start
        for number in 0..<3 as Range<UInt64> {
            backplane.publish(
                PublishRequest(
                    ticket: Ticket(reactor: 0, number: 1),
                    channel: name,
                    payload: Payload(kind: .text, bytes: [120], key: PublicationKey("\(number)")),
                    idempotencyKey: number == 0 ? "once" : nil,
                    isKeyed: isKeyed
                )
            )
            last = recorder.positions[1]!
        }
        // The clock went back: the channel does not.
        clock.setWall(1)
        backplane.clear(name, isKeyed: isKeyed, for: ticket)
        guard case .cleared(let position)? = recorder.control else { return #expect(Bool(false), "it is not") }
        #expect(position > last)
        #expect(recorder.heard["room/a"]?.last == Publication(clearedAt: position))
        #expect(recorder.events.last == "room/*: room/a 0")
        let after = page(backplane, "room/a", since: last)
        #expect(after.publications.isEmpty && after.head == position && !after.isComplete)
        #expect(page(backplane, "room/a", since: position).isComplete)
        backplane.publish(request("room/a"))
        #expect(recorder.heard["room/a"]?.last?.previous == position)
        #expect(page(backplane, "room/a", since: position).isComplete(after: position))
    }

    @Test("history answers from a position, from the end, and for channels that never were")
    func history() {
        let backplane = backplane()
        for number in 0..<10 as Range<UInt64> { backplane.publish(request("a", number: number, "\(number)")) }
        let positions = (0..<10 as Range<UInt64>).map { recorder.positions[$0]! }
        let all = page(backplane, "a", since: .start)
        #expect(all.publications.map(\.position) == positions)
        #expect(all.isComplete)
        #expect(all.head == positions[9])
        #expect(page(backplane, "a", since: positions[6]).publications.map(\.position) == Array(positions[7...]))
        #expect(
            page(backplane, "a", since: positions[6], limit: 2).publications.map(\.position) == Array(positions[7...8])
        )
        #expect(page(backplane, "a", since: positions[9]).isComplete)
        #expect(page(backplane, "a", since: nil, limit: 3).publications.map(\.position) == Array(positions[7...]))
        #expect(
            page(backplane, "a", since: nil, limit: 0) == HistoryPage(since: nil, publications: [], head: positions[9])
        )
        #expect(page(backplane, "never", since: .start) == HistoryPage(since: .start, publications: [], head: .start))
        #expect(page(backplane, "never", since: .start).isComplete)
        #expect(!page(backplane, "never", since: positions[0]).isComplete)
    }

    @Test("history keeps so many, and who needs more is not told that all is there")
    func countLimit() {
        let backplane = backplane { $0.historyCountMax = 10 }
        for number in 0..<1_000 as Range<UInt64> { backplane.publish(request("a", number: number)) }
        let last = (990..<1_000 as Range<UInt64>).map { recorder.positions[$0]! }
        let all = page(backplane, "a", since: .start)
        #expect(all.publications.map(\.position) == last)
        #expect(!all.isComplete)
        #expect(page(backplane, "a", since: recorder.positions[989]).isComplete)
        #expect(!page(backplane, "a", since: recorder.positions[988]).isComplete)
    }

    @Test("history forgets what is old, but not where the channel stands")
    func ageLimit() {
        let backplane = backplane { $0.historyMilliseconds = 0 }
        backplane.publish(request("a"))
        let position = recorder.positions[0]!
        clock.pass(1)
        let found = page(backplane, "a", since: .start)
        #expect(found.publications.isEmpty)
        #expect(found.head == position)
        #expect(!found.isComplete)
        #expect(page(backplane, "a", since: position).isComplete)
        backplane.tick(Tick(number: 8))
        #expect(page(backplane, "a", since: position).isComplete)
        backplane.publish(request("a", number: 1))
        #expect(recorder.positions[1]! > position)
    }

    @Test("a channel nobody used for long is forgotten, unless somebody listens")
    func headLimit() {
        let backplane = backplane { $0.headMilliseconds = 0 }
        backplane.publish(request("a"))
        backplane.publish(request("b", number: 1))
        backplane.count(ChannelName("b")!, subscribers: 2, leaseMilliseconds: 30_000)
        clock.pass(1)
        #expect(page(backplane, "a", since: nil).head == recorder.positions[0], "looked at in its turn")
        backplane.tick(Tick(number: 1))
        #expect(page(backplane, "a", since: nil).head == .start)
        #expect(page(backplane, "b", since: nil).head == recorder.positions[1])
    }

    @Test("a repeated key gives the first one's position, and nothing is published")
    func idempotency() {
        let backplane = backplane()
        backplane.subscribe(ChannelName("a")!)
        backplane.publish(request("a", number: 1, once: "key"))
        backplane.publish(request("a", number: 2, once: "other"))
        backplane.publish(request("a", number: 3, once: "key"))
        backplane.publish(request("b", number: 4, once: "key"))
        #expect(recorder.positions[1] == recorder.positions[3])
        #expect(recorder.positions[2]! > recorder.positions[1]!)
        #expect(recorder.heard["a"]?.count == 2)
        #expect(page(backplane, "b", since: nil).publications.count == 1)
    }

    @Test("a key is remembered for so long")
    func idempotencyEnds() {
        let backplane = backplane { $0.idempotencyMilliseconds = 1 }
        backplane.publish(request("a", number: 1, once: "key"))
        clock.pass(1)
        backplane.publish(request("a", number: 2, once: "key"))
        #expect(recorder.positions[2]! > recorder.positions[1]!)
    }

    @Test("keys are their bytes: what looks alike is not the same key")
    func idempotencyOfBytes() {
        let backplane = backplane()
        backplane.publish(request("a", number: 1, once: "caf\u{e9}"))
        backplane.publish(request("a", number: 2, once: "cafe\u{301}"))
        backplane.publish(request("a", number: 3, once: "caf\u{e9}"))
        #expect(recorder.positions[2]! > recorder.positions[1]!)
        #expect(recorder.positions[3] == recorder.positions[1])
    }

    /// The time that this thread has had a processor: other tests have it in between.
    private var processorNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    @Test("keys that lapse cost no more than keys that do not, however many there are")
    func idempotencyIsAmortised() {
        let backplane = backplane { $0.idempotencyMilliseconds = 50_000 }
        var number: UInt64 = 0
        /// The time of the processor that 5,000 publishes take, one a millisecond.
        func publish() -> UInt64 {
            let start = processorNanoseconds
            for _ in 0..<5_000 {
                number += 1
                clock.pass(1)
                backplane.publish(request("a", number: number, once: "key \(number)"))
            }
            return processorNanoseconds - start
        }
        let before = (0..<10).map { _ in publish() }.sorted()[5]
        let after = (0..<10).map { _ in publish() }.sorted()[5]
        #expect(after < 4 * before, "with 50,000 keys, of which one lapses with each publish")
        clock.pass(50_000)
        backplane.publish(request("a", number: 0, once: "key \(number)"))
        #expect(recorder.positions[0]! > recorder.positions[number]!)
    }

    @Test("a clock on the wall that jumps ends nothing, and positions never go back", arguments: [true, false])
    func wallClockJumps(forward: Bool) {
        let backplane = backplane()
        backplane.subscribe(ChannelName("a")!)
        let open = sessionRequest(.open)
        backplane.grant(open)
        backplane.publish(request("a", number: 1, once: "key"))
        let day: UInt64 = 86_400_000
        clock.setWall(forward ? clock.wall + 10 * day : clock.wall - 10 * day)
        backplane.tick(Tick(number: 4))
        #expect(page(backplane, "a", since: .start).publications.count == 1)
        backplane.publish(request("a", number: 2, once: "key"))
        #expect(recorder.positions[2] == recorder.positions[1])
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .success(SessionGrant(fence: 2, positions: [])))
        backplane.publish(request("a", number: 3))
        #expect(recorder.positions[3]! > recorder.positions[1]!)
        // It is set right again.
        clock.setWall(forward ? clock.wall - 10 * day : clock.wall + 10 * day)
        backplane.publish(request("a", number: 4))
        #expect(recorder.positions[4]! > recorder.positions[3]!)
        #expect(page(backplane, "a", since: recorder.positions[1]).isComplete)
        clock.pass(400_000)
        #expect(page(backplane, "a", since: .start).publications.isEmpty, "what is old is old")
        clock.pass(Limits().heldSessionMilliseconds)
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .failure(.unknown))
    }

    @Test("describes what is there")
    func describes() {
        let backplane = backplane()
        let ticket = Ticket(reactor: 0, number: 0)
        backplane.describe(ChannelName("a")!, for: ticket)
        #expect(recorder.facts == ChannelFacts(subscribers: 0, nodes: 0, head: .start))
        backplane.count(ChannelName("a")!, subscribers: 3, leaseMilliseconds: 30_000)
        backplane.publish(request("a"))
        backplane.describe(ChannelName("a")!, for: ticket)
        #expect(recorder.facts == ChannelFacts(subscribers: 3, nodes: 1, head: recorder.positions[0]!))
        backplane.count(ChannelName("a")!, subscribers: 0, leaseMilliseconds: 30_000)
        backplane.describe(ChannelName("a")!, for: ticket)
        #expect(recorder.facts == ChannelFacts(subscribers: 0, nodes: 0, head: recorder.positions[0]!))
    }

    @Test("a session is resumed with its secret only, each time with a higher fence, and an older one writes nothing")
    func sessionFences() {
        let backplane = backplane()
        let open = sessionRequest(.open)
        backplane.grant(open)
        #expect(recorder.grant == .success(SessionGrant(fence: 1, positions: [])))
        backplane.save(open.id, fence: 1, .held, [position("a", 5), position("b", 6)])
        #expect(recorder.write == .kept)

        backplane.grant(sessionRequest(.resume, id: open.id, secret: 9))
        #expect(recorder.grant == .failure(.unknown))
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .success(SessionGrant(fence: 2, positions: [position("a", 5), position("b", 6)])))
        backplane.save(open.id, fence: 1, .held, [position("a", 9)])
        #expect(recorder.write == .stale)
        backplane.save(open.id, fence: 2, .detached, [position("a", 7), position("b", nil)])
        #expect(recorder.write == .kept)
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .success(SessionGrant(fence: 3, positions: [position("a", 7)])))
        backplane.save(open.id, fence: 3, .ended, [])
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .failure(.unknown))
        backplane.save(open.id, fence: 3, .held, [])
        #expect(recorder.write == .gone)
    }

    @Test("a session that nobody holds lapses after its time; one that was lost is put back")
    func sessionEnds() throws {
        let backplane = backplane { $0.resumeMilliseconds = 1 }
        let open = sessionRequest(.open)
        backplane.grant(open)
        backplane.save(open.id, fence: 1, .detached, [])
        clock.pass(3)
        backplane.grant(sessionRequest(.resume, id: open.id))
        #expect(recorder.grant == .failure(.unknown))
        backplane.tick(Tick(number: 4))
        backplane.save(open.id, fence: 1, .held, [])
        #expect(recorder.write == .gone)
        backplane.restore(open.id, secret: open.secret, fence: 7)
        #expect(recorder.write == .kept)
        backplane.save(open.id, fence: 6, .held, [])
        #expect(recorder.write == .stale)
    }

    @Test("members are listed, and who hears the channel's presence is told of each once")
    func presence() {
        let backplane = backplane()
        let channel = ChannelName("room/1")!
        let ticket = Ticket(reactor: 0, number: 1)
        backplane.subscribe(channel.presenceChannel!)
        for id in 1...3 as ClosedRange<UInt64> {
            backplane.enter(channel, MemberID(id), transport: "websocket", details: [])
        }
        backplane.enter(channel, MemberID(1), transport: "poll", details: [])
        backplane.list(channel, limit: 2, for: ticket)
        #expect(recorder.list?.count == 3 && recorder.list?.members.count == 2)
        backplane.leave(channel, MemberID(1))
        backplane.leave(channel, MemberID(1))
        backplane.leave(channel, MemberID(9))
        #expect(recorder.payloads.count == 4)
        #expect(recorder.payloads[0].hasPrefix(#"{"event":"join","id":"0000000000000001","node":"node","transport":"#))
        #expect(
            recorder.payloads[3].hasPrefix(
                #"{"event":"leave","id":"0000000000000001","node":"node","transport":"poll","#
            )
        )
        backplane.list(channel, limit: 10, for: ticket)
        #expect(Set(recorder.list!.members.map(\.id)) == [MemberID(2), MemberID(3)])
        backplane.list(ChannelName("room/2")!, limit: 10, for: ticket)
        #expect(recorder.list == PresenceList(count: 0, members: []))
    }

    /// A backplane that may remember little, and how to publish to it.
    private func smallBackplane(bytesMax: Int) -> (backplane: MemoryBackplane, metrics: UplinkMetrics) {
        var limits = Limits()
        limits.embeddedBytesMax = bytesMax
        let metrics = UplinkMetrics()
        let backplane = MemoryBackplane(limits: limits, metrics: metrics)
        backplane.start(delegate: recorder)
        return (backplane, metrics)
    }

    private func publish(_ byteCount: Int, to channel: String, key: String? = nil, on backplane: MemoryBackplane) {
        let payload = Payload(kind: .text, bytes: [UInt8](repeating: 120, count: byteCount))
        let ticket = Ticket(reactor: 0, number: 1)
        let channel = ChannelName(channel)!
        backplane.publish(
            PublishRequest(ticket: ticket, channel: channel, payload: payload, idempotencyKey: key)
        )
    }

    private func history(of channel: String, on backplane: MemoryBackplane) -> HistoryPage? {
        let ticket = Ticket(reactor: 0, number: 1)
        let name = ChannelName(channel)!
        backplane.read(name, since: nil, countMax: 1_000, bytesMax: 1 << 30, for: .request(ticket))
        return recorder.page
    }

    @Test(
        "what is remembered has a ceiling in bytes; a flood of new channels does not take the history of one that is heard"
    )
    func byteCeiling() {
        let (backplane, metrics) = smallBackplane(bytesMax: 1_000_000)
        backplane.subscribe(ChannelName("heard")!)
        for _ in 0..<5 { publish(100, to: "heard", on: backplane) }
        for number in 0..<2_000 {
            publish(65_536, to: "c\(number)", on: backplane)
            #expect(metrics.embeddedBytes.value <= 1_000_000)
        }
        #expect(history(of: "heard", on: backplane)?.publications.count == 5)
        // Its head is known though it is not remembered itself: who comes back to before it is told.
        let last = history(of: "c1999", on: backplane)
        #expect(last?.head != .start)
    }

    @Test("idempotency keys have a ceiling in bytes, the newest are known, and none is forgotten while there is room")
    func keyCeiling() {
        let (backplane, metrics) = smallBackplane(bytesMax: 1_000_000)
        for number in 0..<3_000 { publish(1, to: "a", key: "k\(number)", on: backplane) }
        let first = recorder.positions[1]
        publish(1, to: "a", key: "k2999", on: backplane)
        #expect(recorder.positions[1] == first)
        let known = recorder.positions[1]
        publish(1, to: "a", key: "k0", on: backplane)
        #expect(recorder.positions[1].map { $0 < known! } == true, "there was room for it")
        for number in 3_000..<30_000 {
            publish(1, to: "a", key: "k\(number)", on: backplane)
            #expect(metrics.embeddedBytes.value <= 1_000_000)
        }
        let newest = recorder.positions[1]
        publish(1, to: "a", key: "k29999", on: backplane)
        #expect(recorder.positions[1] == newest)
    }

    @Test("publishes to ever new channels are remembered up to a ceiling, and those that somebody hears always")
    func channelCeiling() {
        var limits = Limits()
        limits.embeddedChannelsMax = 100
        let metrics = UplinkMetrics()
        let backplane = MemoryBackplane(limits: limits, metrics: metrics)
        backplane.start(delegate: recorder)
        let heard = ChannelName("heard")!
        backplane.subscribe(heard)
        let payload = Payload(kind: .text, bytes: [120])
        func publish(to channel: ChannelName, _ number: UInt64) {
            let ticket = Ticket(reactor: 0, number: number)
            backplane.publish(
                PublishRequest(ticket: ticket, channel: channel, payload: payload, idempotencyKey: nil)
            )
        }
        publish(to: heard, 0)
        for number in 1...5_000 as ClosedRange<UInt64> { publish(to: ChannelName("c\(number)")!, number) }
        #expect(metrics.embeddedChannels.value <= 100)
        publish(to: heard, 5_001)
        let publications = recorder.heard["heard"] ?? []
        #expect(publications.count == 2)
        #expect(publications.last?.previous == publications.first?.position)
    }
}
