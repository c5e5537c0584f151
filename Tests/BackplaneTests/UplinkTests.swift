import Broker
import Reactor
import Testing

@testable import Backplane

@Suite("Uplink: interest, counts, questions")
struct UplinkTests {
    private let backplane = ScriptedBackplane()

    @Test("one subscription and one read of the head per channel, however many reactors want it")
    func oneSubscription() throws {
        let fixture = try UplinkFixture(backplane, reactors: 64)
        for reactor in 0..<64 { fixture.watch("a", by: reactor) }
        #expect(backplane.subscriptions == ["a"])
        #expect(backplane.readCount == 1)
        #expect(backplane.reads[0].since == nil && backplane.reads[0].countMax == 0)
        for reactor in 0..<64 { #expect(fixture.reports(reactor).isEmpty, "not before the head is known") }
        backplane.answer(head: 5)
        for reactor in 0..<64 { #expect(fixture.reports(reactor) == ["opened a 5-0"]) }
        backplane.say(publication(6, after: 5))
        for reactor in 0..<64 { #expect(fixture.reports(reactor) == ["a 6-0"]) }
        #expect(fixture.metrics.channels.value == 1)
    }

    @Test("the tails of all channels have a ceiling, and what is left answers those who come back")
    func tailCeiling() throws {
        let fixture = try UplinkFixture(MemoryBackplane(limits: Limits())) { $0.tailsBytesMax = 1_000_000 }
        let payload = Payload(kind: .text, bytes: [UInt8](repeating: 120, count: 50_000))
        for number in 0..<200 {
            let name = "c\(number)"
            fixture.watch(name)
            for _ in 0..<4 {
                let ticket = Ticket(reactor: 0, number: 1)
                let channel = ChannelName(name)!
                fixture.uplink.receive(
                    .publish(PublishRequest(ticket: ticket, channel: channel, payload: payload, idempotencyKey: nil))
                )
            }
            // Four of them are 200,000 bytes, and 200 channels have that.
            #expect(fixture.uplink.tails.byteCount <= 1_000_000)
            if number % 2 == 0 { fixture.unwatch(name) }
            _ = fixture.reports()
        }
        fixture.tick(200)
        for number in 0..<200 { fixture.unwatch("c\(number)") }
        fixture.tick(400)
        #expect(fixture.metrics.channels.value == 0)
        #expect(fixture.uplink.tails.byteCount == 0)
    }

    @Test("what many channels heard and cannot tell before a read has a ceiling, and is read then")
    func heldCeiling() throws {
        let fixture = try UplinkFixture(backplane) { $0.recoveriesBytesMax = 1_000_000 }
        for number in 0..<100 {
            fixture.watch("c\(number)")
            let channel = ChannelName("c\(number)")!
            for position in 6...7 as ClosedRange<UInt64> {
                let payload = Payload(kind: .text, bytes: [UInt8](repeating: 120, count: 50_000))
                let publication = Publication(position: at(position), previous: at(position - 1), payload: payload)
                backplane.delegate?.heard(publication, in: channel)
                #expect(fixture.uplink.tails.heldByteCount <= 1_000_000)
            }
        }
        // The last one was let go of what it held: its head is not all that it needs.
        let last = backplane.reads.removeLast()
        #expect(last.channel.text == "c99")
        backplane.reads = [last]
        backplane.answer(head: 5)
        #expect(backplane.reads.map(\.since) == [at(5)])
    }

    @Test("nobody is told before the subscription is acknowledged")
    func acknowledged() throws {
        backplane.acknowledges = false
        let fixture = try UplinkFixture(backplane)
        fixture.watch("a")
        #expect(backplane.readCount == 0)
        backplane.say(publication(6, after: 5))
        backplane.delegate?.subscribed(ChannelName("a")!)
        backplane.say(publication(7, after: 6))
        backplane.answer(head: 6)
        #expect(fixture.reports() == ["opened a 6-0", "a 7-0"])
    }

    @Test("who comes later is told where the channel stands, and gets what follows")
    func latecomer() throws {
        let fixture = try UplinkFixture(backplane, reactors: 3)
        fixture.watch("a", by: 1)
        backplane.answer(head: 5)
        backplane.say(publication(6, after: 5))
        fixture.watch("a", by: 2)
        backplane.say(publication(7, after: 6))
        #expect(fixture.reports(0) == [])
        #expect(fixture.reports(1) == ["opened a 5-0", "a 6-0", "a 7-0"])
        #expect(fixture.reports(2) == ["opened a 6-0", "a 7-0"])
        #expect(backplane.subscriptions == ["a"])
        #expect(backplane.readCount == 1)
    }

    @Test("a channel nobody wants lingers, then is let go of; who comes back in time costs nothing")
    func linger() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("a", by: 0)
        fixture.watch("a", by: 1)
        backplane.answer(head: 5)
        fixture.unwatch("a", by: 0)
        fixture.tick(40)
        #expect(backplane.unsubscriptions.isEmpty, "the other one still wants it")
        fixture.unwatch("a", by: 1)
        backplane.say(publication(6, after: 5))
        _ = (fixture.reports(0), fixture.reports(1))
        fixture.watch("a", by: 0)
        #expect(fixture.reports(0) == ["opened a 6-0"], "it was listened to all the time")
        fixture.tick(40)
        #expect(backplane.unsubscriptions.isEmpty)
        #expect(backplane.subscriptions == ["a"])
        fixture.unwatch("a", by: 0)
        fixture.unwatch("never", by: 0)
        fixture.tick(25)
        // The fixture's reactor stands still, so all deadlines lie at its beginning.
        #expect(backplane.unsubscriptions == ["a"])
        #expect(fixture.metrics.channels.value == 0)
        fixture.tick(25)
        #expect(backplane.unsubscriptions == ["a"])
        fixture.watch("a", by: 0)
        #expect(backplane.subscriptions == ["a", "a"])
        backplane.answer(head: 9)
        #expect(fixture.reports(0) == ["opened a 9-0"])
    }

    @Test("a channel is not dropped before its time")
    func lingersLong() throws {
        let fixture = try UplinkFixture(backplane) { $0.lingerMilliseconds = 5_000 }
        fixture.watch("a")
        fixture.unwatch("a")
        fixture.tick(19)
        #expect(backplane.unsubscriptions.isEmpty)
        fixture.tick(3)
        #expect(backplane.unsubscriptions == ["a"])
    }

    @Test("of channels that nobody wants only so many linger: the one that was given up first goes first")
    func lingerCeiling() throws {
        let fixture = try UplinkFixture(backplane) { $0.lingeringChannelsMax = 3 }
        for number in 0..<10 {
            fixture.watch("c\(number)")
            fixture.unwatch("c\(number)")
        }
        #expect(backplane.unsubscriptions == (0..<7).map { "c\($0)" })
        fixture.watch("c7")
        fixture.unwatch("c7")
        fixture.watch("c10")
        fixture.unwatch("c10")
        #expect(backplane.unsubscriptions.last == "c8", "c7 was wanted since")
        fixture.tick(40)
        #expect(backplane.unsubscriptions.count == 11 && Set(backplane.unsubscriptions).count == 11)
        #expect(fixture.metrics.channels.value == 0)
    }

    @Test("a hundred thousand channels that lapse at once are let go of in slices, and come and go costs no memory")
    func lingerSlices() throws {
        let fixture = try UplinkFixture(backplane) { $0.lingeringChannelsMax = 100_000 }
        for number in 0..<2_500 {
            fixture.watch("c\(number)")
            fixture.unwatch("c\(number)")
        }
        for _ in 0..<50_000 {
            fixture.watch("c0")
            fixture.unwatch("c0")
        }
        #expect(fixture.uplink.lingering.queueCount < 8_000)
        fixture.tick(20)
        let before = backplane.unsubscriptions.count
        fixture.tick(1)
        #expect(backplane.unsubscriptions.count - before <= 1_000)
        fixture.tick(10)
        #expect(backplane.unsubscriptions.count == 2_500)
    }

    @Test("counts of channels that came and went before they were told are never told")
    func untoldCounts() throws {
        let fixture = try UplinkFixture(backplane) { $0.lingeringChannelsMax = 0 }
        for number in 0..<10 {
            fixture.watch("c\(number)")
            fixture.uplink.receive(.count(ChannelName("c\(number)")!, reactor: 0, subscribers: 1))
            fixture.uplink.receive(.count(ChannelName("c\(number)")!, reactor: 0, subscribers: 0))
            fixture.unwatch("c\(number)")
        }
        fixture.tick(8)
        #expect(backplane.counts.isEmpty)
        fixture.watch("a")
        fixture.uplink.receive(.count(ChannelName("a")!, reactor: 0, subscribers: 1))
        fixture.tick(8)
        #expect(backplane.counts.map(\.subscribers) == [1])
        fixture.uplink.receive(.count(ChannelName("a")!, reactor: 0, subscribers: 0))
        fixture.unwatch("a")
        #expect(backplane.counts.map(\.subscribers) == [1, 0], "what was told is taken back")
    }

    @Test("a channel that is refused is told to all who want it, and asked for anew by who comes later")
    func refused() throws {
        backplane.acknowledges = false
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("a", by: 0)
        fixture.watch("a", by: 1)
        backplane.delegate?.refused(ChannelName("a")!, "NOPERM")
        for reactor in 0..<2 { #expect(fixture.reports(reactor) == ["refused a NOPERM"]) }
        #expect(fixture.metrics.channelsRefused.value == 1)
        fixture.unwatch("a", by: 0)
        fixture.tick(40)
        #expect(backplane.unsubscriptions.isEmpty)
        fixture.watch("a", by: 1)
        #expect(backplane.subscriptions == ["a", "a"])
    }

    @Test("what is heard of channels that are not watched is dropped")
    func unwatched() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.say(publication(6, after: 5))
        backplane.delegate?.subscribed(ChannelName("a")!)
        fixture.recover("a", since: 3)
        #expect(fixture.reports() == [])
        #expect(backplane.readCount == 0)
    }

    @Test("payloads without a position reach who is there, in their place among the others")
    func ephemerals() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("a", by: 0)
        backplane.answer(head: 5)
        backplane.say(publication(6, after: 5))
        backplane.delegate?.heard(Payload(kind: .text, bytes: Array("hi".utf8)), in: ChannelName("a")!)
        backplane.say(publication(7, after: 6))
        #expect(fixture.reports(0) == ["opened a 5-0", "a 6-0", "a hi", "a 7-0"])
        #expect(fixture.reports(1) == [])
        #expect(fixture.metrics.ephemeralsHeard.value == 1)
    }

    @Test("a publish is answered only when the backplane says so, to who asked")
    func publishes() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        for (reactor, number) in [(0, 7), (1, 8), (1, 9)] as [(Int, UInt64)] {
            let ticket = Ticket(reactor: reactor, number: number)
            let payload = Payload(kind: .text, bytes: [])
            let channel = ChannelName("a")!
            fixture.uplink.receive(
                .publish(PublishRequest(ticket: ticket, channel: channel, payload: payload, idempotencyKey: nil))
            )
        }
        #expect(backplane.publishes.map(\.ticket.number) == [7, 8, 9])
        #expect(fixture.reports(0).isEmpty && fixture.reports(1).isEmpty)
        backplane.delegate?.published(Ticket(reactor: 1, number: 8), .success(at(3)))
        backplane.delegate?.published(Ticket(reactor: 0, number: 7), .failure(.unavailable))
        #expect(fixture.reports(0) == ["failed 7 unavailable"])
        #expect(fixture.reports(1) == ["published 8 3-0"])
        #expect(fixture.metrics.publishesAcknowledged.value == 1)
        #expect(fixture.metrics.publishesFailed.value == 1)
    }

    @Test("history and facts of any channel are asked for whoever wants them")
    func questions() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        let channel = ChannelName("z")!
        fixture.uplink.receive(.history(Ticket(reactor: 1, number: 4), channel, since: at(2), limit: 10))
        #expect(backplane.reads[0].countMax == 10)
        #expect(backplane.reads[0].bytesMax == Limits().historyBytesMax)
        backplane.answer([publication(3, after: 2)], head: 3)
        fixture.uplink.receive(.describe(Ticket(reactor: 1, number: 5), channel))
        #expect(backplane.described == [Ticket(reactor: 1, number: 5)])
        let facts = ChannelFacts(subscribers: 9, nodes: 2, head: at(3))
        backplane.delegate?.described(Ticket(reactor: 1, number: 5), .success(facts))
        fixture.uplink.receive(.history(Ticket(reactor: 1, number: 6), channel, since: nil, limit: 10))
        backplane.fail(.overloaded)
        #expect(
            fixture.reports(1) == ["history 4: [3-0] to 3-0", "described 5: 9 on 2 at 3-0", "failed 6 overloaded"]
        )
        #expect(fixture.reports(0) == [])
    }

    @Test("counts of all reactors are told together, at most once a second, and renewed within their lease")
    func counts() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("a", by: 0)
        fixture.watch("a", by: 1)
        let channel = ChannelName("a")!
        for subscribers in 1...5 { fixture.uplink.receive(.count(channel, reactor: 0, subscribers: subscribers)) }
        fixture.uplink.receive(.count(channel, reactor: 1, subscribers: 10))
        #expect(backplane.counts.isEmpty)
        fixture.tick(4)
        #expect(backplane.counts.map(\.subscribers) == [15])
        backplane.setUp(false)
        fixture.uplink.receive(.count(channel, reactor: 0, subscribers: 6))
        fixture.tick(4)
        #expect(backplane.counts.count == 1)
        backplane.setUp(true)
        fixture.tick(4)
        #expect(backplane.counts.map(\.subscribers) == [15, 16])
        fixture.uplink.receive(.count(ChannelName("unknown")!, reactor: 0, subscribers: 6))
        fixture.tick(120)
        #expect(backplane.counts.count > 2)
        #expect(backplane.counts.allSatisfy { $0.channel == "a" })
    }

    @Test(
        "a node with many channels renews no more of their counts within a second, and their leases last as much longer"
    )
    func countsOfMany() throws {
        let fixture = try UplinkFixture(backplane) {
            $0.countRenewalsPerSecondMax = 4
            $0.countLeaseMilliseconds = 3_000
        }
        let names = (0..<100).map { "c\($0)" }
        for name in names {
            fixture.watch(name)
            fixture.uplink.receive(.count(ChannelName(name)!, reactor: 0, subscribers: 1))
        }
        // Rounds become twice as long each, until one takes 25 s.
        for _ in 0..<4 * 60 { fixture.turn() }
        let second = backplane.counts.count
        #expect(second > 100)
        for _ in 0..<4 * 50 { fixture.turn() }
        let renewed = backplane.counts[second...]
        #expect((180...230).contains(renewed.count), "\(renewed.count) in 50 s")
        #expect(Set(renewed.map(\.channel)).count == 100, "each has its turn")
        #expect(renewed.allSatisfy { $0.leaseMilliseconds == 75_000 })
        #expect(fixture.metrics.countLeaseMilliseconds.value == 75_000)
    }

    @Test("stopping takes the node's counts back and sends what is left")
    func stops() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("a")
        fixture.watch("b")
        fixture.uplink.receive(.count(ChannelName("a")!, reactor: 0, subscribers: 3))
        fixture.tick(8)
        fixture.uplink.receive(.stop(untilNanoseconds: .max))
        #expect(fixture.uplink.isFinished)
        #expect(backplane.counts.last?.channel == "a")
        #expect(backplane.counts.last?.subscribers == 0)
        #expect(!backplane.counts.contains { $0.channel == "b" })
        #expect(backplane.isFinished, "its last words are waited for")
    }
}

@Suite("Uplink: continuity")
struct UplinkContinuityTests {
    private let backplane = ScriptedBackplane()

    private func open(reactors: Int = 1, at head: UInt64 = 5, _ change: (inout Limits) -> Void = { _ in }) throws
        -> UplinkFixture
    {
        let fixture = try UplinkFixture(backplane, reactors: reactors, change)
        for reactor in 0..<reactors { fixture.watch("a", by: reactor) }
        backplane.answer(head: head)
        for reactor in 0..<reactors { _ = fixture.reports(reactor) }
        return fixture
    }

    @Test("a lost message is read before what follows it is handed on")
    func fills() throws {
        let fixture = try open()
        backplane.say(publication(8, after: 7))
        backplane.say(publication(9, after: 8))
        #expect(fixture.reports() == [])
        #expect(backplane.reads.map(\.since) == [at(5)])
        backplane.answer(publications(6...8), head: 8)
        #expect(fixture.reports() == ["a 6-0", "a 7-0", "a 8-0", "a 9-0"])
        #expect(fixture.metrics.gapsFound.value == 1)
        #expect(fixture.metrics.gapsFilled.value == 1)
        #expect(fixture.metrics.gapsReported.value == 0)
    }

    @Test("what history lost is reported")
    func reports() throws {
        let fixture = try open()
        backplane.say(publication(9, after: 8))
        backplane.answer([publication(9, after: 8)], head: 9)
        #expect(fixture.reports() == ["gap a 5-0 8-0", "a 9-0"])
        #expect(fixture.metrics.gapsReported.value == 1)
        #expect(fixture.metrics.gapsFilled.value == 0)
    }

    @Test("repeated and late messages are not handed on")
    func duplicates() throws {
        let fixture = try open()
        backplane.say(publication(6, after: 5))
        backplane.say(publication(6, after: 5))
        backplane.say(publication(7, after: 6))
        backplane.say(publication(6, after: 5))
        #expect(fixture.reports() == ["a 6-0", "a 7-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("after a silence the channel is read though nothing seemed missing")
    func silence() throws {
        let fixture = try open()
        backplane.setUp(false)
        backplane.delegate?.subscribed(ChannelName("a")!)
        backplane.setUp(true)
        #expect(backplane.reads.map(\.since) == [at(5)])
        backplane.say(publication(8, after: 7))
        backplane.answer(publications(6...7), head: 7)
        #expect(fixture.reports() == ["down", "up", "a 6-0", "a 7-0", "a 8-0"])
    }

    @Test("reads that failed with the link are repeated when it is back, and no others")
    func repeatsReads() throws {
        let fixture = try open()
        fixture.watch("b")
        backplane.fail()
        backplane.say(publication(7, after: 6))
        backplane.fail()
        backplane.setUp(false)
        #expect(backplane.reads.isEmpty)
        backplane.setUp(true)
        #expect(backplane.reads.count == 2)
        #expect(Set(backplane.reads.map(\.channel.text)) == ["a", "b"])
        backplane.reads.sort { $0.channel.text < $1.channel.text }
        backplane.answer(publications(6...7), head: 7)
        backplane.answer(head: 3)
        #expect(fixture.reports() == ["down", "up", "a 6-0", "a 7-0", "opened b 3-0"])
        backplane.setUp(false)
        backplane.setUp(true)
        #expect(backplane.reads.isEmpty)
    }

    @Test("what must be asked for again by the thousand is asked for by slices, a turn each")
    func repeatsReadsInSlices() throws {
        let fixture = try UplinkFixture(backplane)
        for number in 0..<1_000 {
            fixture.watch("c\(number)")
            fixture.uplink.receive(.count(ChannelName("c\(number)")!, reactor: 0, subscribers: 1))
        }
        while !backplane.reads.isEmpty { backplane.fail() }
        backplane.setUp(false)
        backplane.setUp(true)
        var turns = 0
        while backplane.reads.count < 1_000, turns < 100 {
            let (reads, counts) = (backplane.reads.count, backplane.counts.count)
            _ = fixture.uplink.endOfTurn()
            turns += 1
            #expect(backplane.reads.count - reads <= Uplink.slice && backplane.counts.count - counts <= Uplink.slice)
        }
        #expect(backplane.reads.count == 1_000 && turns > 10)
        fixture.tick(5)
        for _ in 0..<100 { _ = fixture.uplink.endOfTurn() }
        #expect(Set(backplane.counts.map(\.channel)).count == 1_000)
        #expect(backplane.counts.count == 1_000)
    }

    @Test("reads that are refused while the link stands are repeated too", arguments: ["open", "fill", "recover"])
    func repeatsRefusedReads(what: String) throws {
        let fixture = try open()
        switch what {
        case "open": fixture.watch("b")
        case "fill": backplane.say(publication(7, after: 6))
        default: fixture.recover("a", since: 3)
        }
        for _ in 0..<3 {
            #expect(backplane.reads.count == 1)
            backplane.fail(.refused("LOADING"))
            #expect(backplane.reads.isEmpty, "not at once, which would be a loop")
            fixture.tick(5)
        }
        switch what {
        case "open": backplane.answer(head: 3)
        case "fill": backplane.answer(publications(6...7), head: 7)
        default: backplane.answer(publications(4...5), head: 5)
        }
        let expected = [
            "open": ["opened b 3-0"], "fill": ["a 6-0", "a 7-0"],
            "recover": ["recovered a 3-0: [4-0 5-0] to 5-0"],
        ]
        #expect(fixture.reports() == expected[what]!)
        fixture.tick(20)
        #expect(backplane.reads.isEmpty)
    }

    @Test("a head that was missed does not make a missed read of what came since forgotten")
    func missedHeadAndFill() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("a")
        // Its link was lost meanwhile: the head is asked for twice.
        backplane.delegate?.subscribed(ChannelName("a")!)
        backplane.answer(head: 5)
        backplane.say(publication(7, after: 6))
        #expect(backplane.reads.map(\.since) == [nil, at(5)])
        backplane.fail(.refused("LOADING"))
        fixture.tick(5)
        while !backplane.reads.isEmpty { backplane.fail() }
        backplane.setUp(false)
        backplane.setUp(true)
        while !backplane.reads.isEmpty {
            let since = backplane.reads[0].since?.milliseconds ?? 7
            backplane.answer(since < 7 ? publications(since + 1...7) : [], head: 7)
        }
        #expect(fixture.reports() == ["opened a 5-0", "down", "up", "a 6-0", "a 7-0"])
    }

    @Test(
        "a read that was not answered before the link was lost is asked once when its channel is heard again, and not again behind that"
    )
    func readsOnceBehindLoss() throws {
        let fixture = try open()
        backplane.say(publication(7, after: 6))
        backplane.setUp(false)
        backplane.fail()
        backplane.delegate?.subscribed(ChannelName("a")!)
        backplane.setUp(true)
        #expect(backplane.reads.map(\.since) == [at(5)])
        backplane.answer(publications(6...8), head: 8)
        #expect(fixture.reports() == ["down", "up", "a 6-0", "a 7-0", "a 8-0"])
        fixture.tick(20)
        #expect(backplane.reads.isEmpty)
    }

    @Test("a channel that is opened twice, because its link was lost meanwhile, is not moved back")
    func openedTwice() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("a")
        backplane.delegate?.subscribed(ChannelName("a")!)
        #expect(backplane.reads.count == 2)
        backplane.answer(head: 5)
        backplane.say(publication(6, after: 5))
        backplane.say(publication(7, after: 6))
        backplane.answer(head: 6)
        backplane.say(publication(8, after: 7))
        while !backplane.reads.isEmpty { backplane.answer(publications(8...8), head: 8) }
        #expect(fixture.reports() == ["opened a 5-0", "a 6-0", "a 7-0", "a 8-0"])
    }

    @Test("a full inbox loses nothing silently: the reactor is told how far the channel moved, and recovers")
    func overflow() throws {
        let fixture = try open(reactors: 2) { $0.inboxDepthMax = 10 }
        for position in 6...30 as ClosedRange<UInt64> {
            backplane.say(publication(position, after: position - 1))
            _ = fixture.reports(1)
        }
        #expect(fixture.metrics.inboxOverflows.value == 1)
        fixture.tick(1)
        #expect(fixture.inboxes[0].count == 10, "no room yet")
        #expect(fixture.reports(0) == (6...15).map { "a \($0)-0" })
        backplane.say(publication(31, after: 30))
        #expect(fixture.reports(0) == [], "nothing out of its order")
        fixture.tick(1)
        backplane.say(publication(32, after: 31))
        #expect(fixture.reports(0) == ["moved a 31-0", "a 32-0"])
        fixture.recover("a", since: 15, by: 0)
        let all = (16...32).map { "\($0)-0" }.joined(separator: " ")
        #expect(fixture.reports(0) == ["recovered a 15-0: [\(all)] to 32-0"])
        #expect(backplane.reads.isEmpty, "from the tail")
        fixture.tick(10)
        #expect(fixture.reports(0) == [])
    }

    @Test("links are told to everyone, once per change")
    func link() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        backplane.setUp(true)
        backplane.setUp(false)
        backplane.setUp(false)
        backplane.setUp(true)
        for reactor in 0..<2 { #expect(fixture.reports(reactor) == ["down", "up"]) }
        #expect(fixture.metrics.isUp.value == 1)
    }
}

@Suite("Uplink: clients that come back")
struct UplinkRecoveryTests {
    private let backplane = ScriptedBackplane()

    private func open(reactors: Int = 1, at head: UInt64 = 100, _ change: (inout Limits) -> Void = { _ in }) throws
        -> UplinkFixture
    {
        let fixture = try UplinkFixture(backplane, reactors: reactors, change)
        for reactor in 0..<reactors { fixture.watch("a", by: reactor) }
        backplane.answer(head: head)
        for reactor in 0..<reactors { _ = fixture.reports(reactor) }
        return fixture
    }

    @Test("a keyed history that does not reach what was told is asked for a few times, and then all may be missing")
    func keyedHistoryBehind() throws {
        let fixture = try open()
        for publication in publications(101...110) { backplane.say(publication) }
        _ = fixture.reports()
        fixture.recover("a", since: 20)
        var attempts = 0
        while !backplane.reads.isEmpty, attempts < 100 {
            backplane.answer([publication(40, after: 30)], head: 40, floor: 10)
            attempts += 1
        }
        #expect(attempts == 4)
        #expect(fixture.reports() == ["recovered a 20-0: [] to 110-0, not all"])
    }

    @Test(
        "who comes back to a keyed channel with what Redis lost is answered with all that it has, and not from the tail"
    )
    func keyedHistoryAnew() throws {
        let fixture = try open()
        for publication in publications(110...112) { backplane.say(publication) }
        while !backplane.reads.isEmpty { backplane.answer([publication(110, after: 100)], head: 112) }
        _ = fixture.reports()
        fixture.recover("a", since: 105, isKeyed: true)
        try #require(backplane.reads.map(\.since) == [at(105)])
        let all = [publication(40, after: 30), publication(112, after: 111)]
        backplane.answer(all, head: 112, floor: 10, beginsAnew: true)
        #expect(fixture.reports() == ["recovered a 105-0: [40-0 112-0] to 112-0, not all"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("who missed nothing is answered without a read")
    func nothingMissed() throws {
        let fixture = try open()
        fixture.recover("a", since: 100)
        #expect(fixture.reports() == ["recovered a 100-0: [] to 100-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("what the tail reaches is answered without a read")
    func tail() throws {
        let fixture = try open()
        for publication in publications(101...110) { backplane.say(publication) }
        _ = fixture.reports()
        fixture.recover("a", since: 107)
        #expect(fixture.reports() == ["recovered a 107-0: [108-0 109-0 110-0] to 110-0"])
        fixture.recover("a", since: 100)
        #expect(fixture.reports().count == 1)
        #expect(backplane.reads.isEmpty)
        #expect(fixture.metrics.tailHits.value == 2)
    }

    @Test("what it does not reach is read once, and remembered")
    func readOnce() throws {
        let fixture = try open(reactors: 2)
        fixture.recover("a", since: 95, by: 0)
        fixture.recover("a", since: 97, by: 1)
        fixture.recover("a", since: 95, by: 1)
        #expect(backplane.reads.map(\.since) == [at(95)])
        backplane.say(publication(101, after: 100))
        backplane.answer(publications(96...100), head: 100)
        #expect(fixture.reports(0) == ["a 101-0", "recovered a 95-0: [96-0 97-0 98-0 99-0 100-0 101-0] to 101-0"])
        #expect(
            Set(fixture.reports(1)) == [
                "a 101-0", "recovered a 95-0: [96-0 97-0 98-0 99-0 100-0 101-0] to 101-0",
                "recovered a 97-0: [98-0 99-0 100-0 101-0] to 101-0",
            ]
        )
        fixture.recover("a", since: 96)
        #expect(fixture.reports(0).count == 1)
        #expect(backplane.reads.isEmpty)
        #expect(backplane.readCount == 2)
    }

    @Test("what is gone is said to be gone", arguments: [90, 200] as [UInt64])
    func incomplete(since: UInt64) throws {
        let fixture = try open()
        fixture.recover("a", since: since)
        let found = since < 100 ? publications(96...100) : []
        backplane.answer(found, head: 100)
        let list = found.map { "\($0.position)" }.joined(separator: " ")
        #expect(fixture.reports() == ["recovered a \(since)-0: [\(list)] to 100-0, not all"])
    }

    @Test("a page that does not reach the tail is told as a part, and what is gone behind it is told then")
    func pageAndTailApart() throws {
        let fixture = try open { $0.historyCountMax = 5 }
        fixture.recover("a", since: 95)
        // While it is read, more is published than the tail holds.
        for publication in publications(101...150) { backplane.say(publication) }
        _ = fixture.reports()
        backplane.answer(publications(96...100), head: 100)
        #expect(fixture.reports() == ["recovered a 95-0: [96-0 97-0 98-0 99-0 100-0] to 150-0, more"])
        #expect(backplane.reads.isEmpty)
        fixture.recover("a", since: 100)
        backplane.answer(publications(146...150), head: 150)
        let reports = fixture.reports()
        #expect(reports.count == 1)
        #expect(reports[0].hasPrefix("recovered a 100-0") && reports[0].hasSuffix("150-0] to 150-0, not all"))
    }

    @Test("what was published during a read, and is more than the tail holds, is read when it is asked for")
    func readsOn() throws {
        let fixture = try open { $0.historyCountMax = 5 }
        fixture.recover("a", since: 95)
        for publication in publications(101...150) { backplane.say(publication) }
        _ = fixture.reports()
        backplane.answer(publications(96...100), head: 100)
        #expect(fixture.reports() == ["recovered a 95-0: [96-0 97-0 98-0 99-0 100-0] to 150-0, more"])
        fixture.recover("a", since: 100)
        #expect(backplane.reads.map(\.since) == [at(100)])
        backplane.answer(publications(101...147), head: 150)
        let report = fixture.reports()
        #expect(
            report.count == 1 && report[0].hasPrefix("recovered a 100-0: [101-0") && report[0].hasSuffix("] to 150-0")
        )
        #expect(backplane.reads.isEmpty)
    }

    @Test("a part answers all whose position it knows, and a hole in it is told; the others are read for")
    func parts() throws {
        let fixture = try open()
        for since in [90, 92, 94, 97] as [UInt64] { fixture.recover("a", since: since) }
        let page = publications(91...92) + publications(94...95)
        backplane.answer(page, head: 100, hasMore: true)
        #expect(
            Set(fixture.reports()) == [
                "recovered a 90-0: [94-0 95-0] to 100-0, not all, more",
                "recovered a 92-0: [94-0 95-0] to 100-0, not all, more", "recovered a 94-0: [95-0] to 100-0, more",
            ]
        )
        #expect(backplane.reads.map(\.since) == [at(97)])
        backplane.answer(publications(98...100), head: 100)
        #expect(fixture.reports() == ["recovered a 97-0: [98-0 99-0 100-0] to 100-0"])
    }

    @Test("a page and the tail it just reaches make one answer, although both together are more than is remembered")
    func pageAndFullTail() throws {
        let fixture = try open { $0.tailBytesMax = 4 }
        fixture.recover("a", since: 90)
        // Of one byte each; the tail is cut only when it is twice too long.
        for publication in publications(101...107) { backplane.say(publication) }
        _ = fixture.reports()
        backplane.answer(publications(91...101), head: 101)
        let report = fixture.reports()
        #expect(
            report.count == 1 && report[0].hasPrefix("recovered a 90-0: [91-0") && report[0].hasSuffix("] to 107-0")
        )
    }

    @Test("who has more than this node was told is answered once the node was told, and set back by nothing")
    func aheadOfNode() throws {
        let fixture = try open()
        fixture.recover("a", since: 102)
        backplane.answer(head: 102)
        #expect(fixture.reports() == [], "the node is behind")
        #expect(backplane.reads.map(\.since) == [at(100)])
        backplane.say(publication(103, after: 102))
        backplane.answer(publications(101...102), head: 102)
        #expect(
            fixture.reports() == ["a 101-0", "a 102-0", "a 103-0", "recovered a 102-0: [103-0] to 103-0"]
        )
        #expect(backplane.reads.isEmpty)
    }

    @Test("who has more than a read for others could know is answered by one of his own, and not set back")
    func aheadOfPage() throws {
        let fixture = try open()
        fixture.recover("a", since: 95)
        // Another node heard it first, and the page was made before.
        fixture.recover("a", since: 102)
        backplane.answer(publications(96...100), head: 100)
        #expect(fixture.reports() == ["recovered a 95-0: [96-0 97-0 98-0 99-0 100-0] to 100-0"])
        #expect(backplane.reads.map(\.since) == [at(102)])
        backplane.answer(head: 102)
        backplane.answer(publications(101...102), head: 102)
        #expect(fixture.reports() == ["a 101-0", "a 102-0", "recovered a 102-0: [] to 102-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test(
        "a page of a master that was replaced, which has what nobody else has, tells nobody of a gap: it is read again",
        arguments: [false, true]
    )
    func pageOfAnotherMaster(isHeardMeanwhile: Bool) throws {
        let fixture = try open()
        fixture.recover("a", since: 95)
        if isHeardMeanwhile { backplane.say(publication(103, after: 100)) }
        _ = fixture.reports()
        let other = publications(96...97) + [publication(102, after: 97)]
        backplane.answer(other, head: 102)
        #expect(fixture.reports() == [])
        #expect(backplane.reads.map(\.since) == [at(95)])
        let (rest, head) = isHeardMeanwhile ? ([publication(103, after: 100)], 103 as UInt64) : ([], 100)
        backplane.answer(publications(96...100) + rest, head: head)
        let list = (publications(96...100) + rest).map { "\($0.position)" }.joined(separator: " ")
        #expect(fixture.reports() == ["recovered a 95-0: [\(list)] to \(head)-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("one that goes on saying so is believed after a while")
    func pagesOfAnotherMaster() throws {
        let fixture = try open()
        fixture.recover("a", since: 95)
        var count = 0
        while !backplane.reads.isEmpty, count < 20 {
            backplane.answer(publications(96...97) + [publication(102, after: 97)], head: 102)
            count += 1
        }
        #expect(count == 4)
        #expect(fixture.reports().count == 1)
    }

    @Test("a hole inside a page is not taken for whole")
    func holeInPage() throws {
        let fixture = try open()
        fixture.recover("a", since: 95)
        backplane.answer([publication(96, after: 95)] + publications(99...100), head: 100)
        #expect(fixture.reports() == ["recovered a 95-0: [99-0 100-0] to 100-0, not all"])
    }

    @Test("a recovery waits for a fill, and includes what it brought")
    func duringFill() throws {
        let fixture = try open()
        backplane.say(publication(103, after: 102))
        fixture.recover("a", since: 100)
        #expect(fixture.reports() == [])
        backplane.answer(publications(101...103), head: 103)
        #expect(
            fixture.reports() == [
                "a 101-0", "a 102-0", "a 103-0", "recovered a 100-0: [101-0 102-0 103-0] to 103-0",
            ]
        )
        #expect(backplane.reads.isEmpty)
    }

    @Test("ten thousand who come back at once cost a handful of reads", arguments: [1, 2, 3] as [UInt64])
    func herd(seed: UInt64) throws {
        let fixture = try open(reactors: 4)
        let before = backplane.readCount
        var state = seed
        for number in 0..<10_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            fixture.recover("a", since: 40 + (state >> 33) % 60, by: number % 4)
            // The backplane is slow: it answers once in a while.
            if number % 2_500 == 2_499, !backplane.reads.isEmpty {
                let since = backplane.reads[0].since!.milliseconds
                backplane.answer(publications(since + 1...100), head: 100)
            }
        }
        while !backplane.reads.isEmpty {
            let since = backplane.reads[0].since!.milliseconds
            backplane.answer(publications(since + 1...100), head: 100)
        }
        #expect(backplane.readCount - before <= 5)
        var answered = Set<String>()
        for reactor in 0..<4 {
            for report in fixture.reports(reactor) {
                #expect(report.hasSuffix("to 100-0"))
                answered.insert(report.prefix { $0 != ":" } + " \(reactor)")
            }
        }
        #expect(answered.count == 240, "every position on every reactor")
    }

    @Test("the embedded backplane does the same without waiting")
    func embeddedHerd() throws {
        let memory = MemoryBackplane(limits: Limits())
        let fixture = try UplinkFixture(memory)
        var positions: [Position] = []
        for _ in 0..<50 {
            fixture.uplink.receive(.publish(request("a")))
            let text = fixture.reports()[0].dropFirst("published 0 ".count)
            positions.append(Position(text)!)
        }
        fixture.watch("a")
        #expect(fixture.reports() == ["opened a \(positions.last!)"])
        let before = fixture.metrics.historyReads.value
        for number in 0..<10_000 {
            let channel = ChannelName("a")!
            fixture.uplink.receive(.recover(channel, since: positions[number % 50], reactor: 0, isKeyed: false))
        }
        #expect(fixture.metrics.historyReads.value - before <= 5)
        let reports = fixture.reports()
        #expect(reports.count == 10_000)
        #expect(reports.allSatisfy { $0.hasSuffix("to \(positions.last!)") })
    }
}
