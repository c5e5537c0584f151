import Backplane
import Broker
import Reactor
import Testing

@testable import Backplane

@Suite("Uplink: sessions")
struct SessionTests {
    private let backplane = ScriptedBackplane()

    private func fixture(_ change: (inout Limits) -> Void = { _ in }) throws -> UplinkFixture {
        try UplinkFixture(backplane, reactors: 2, change)
    }

    /// A fixture, and a session that its first reactor holds by connection 1.
    private func opened(isPoll: Bool = false, fence: UInt64 = 1, _ change: (inout Limits) -> Void = { _ in }) throws
        -> (UplinkFixture, SessionRequest)
    {
        let fixture = try fixture(change)
        let request = sessionRequest(.open, isPoll: isPoll)
        fixture.uplink.receive(.session(request))
        backplane.grant(fence: fence)
        _ = fixture.reports()
        return (fixture, request)
    }

    private func holder(_ connection: UInt64, on reactor: Int = 0) -> SessionHolder {
        SessionHolder(reactor: reactor, connection: connection)
    }

    @Test("what a connection writes carries the fence it was granted, and what it leaves can be resumed")
    func life() throws {
        let fixture = try fixture()
        let request = sessionRequest(.open, number: 3)
        fixture.uplink.receive(.session(request))
        #expect(fixture.reports().isEmpty, "not before the backplane has it")
        backplane.grant(fence: 1)
        #expect(fixture.reports() == ["session 3"])
        #expect(fixture.metrics.sessions.value == 1)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        #expect(backplane.takeWrites() == ["held 1 a@5-0"])
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", nil)]))
        #expect(backplane.takeWrites() == ["held 1 a@-"])
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        #expect(backplane.takeWrites() == ["detached 1"])
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 6)]))
        #expect(backplane.takeWrites() == [])
        #expect(fixture.metrics.sessions.value == 0)
    }

    @Test("a resume on the same node ends the old connection's hold, on whichever reactor it is")
    func takeOverHere() throws {
        let (fixture, request) = try opened()
        fixture.uplink.receive(
            .session(sessionRequest(.resume, id: request.id, number: 8, reactor: 1, connection: 2))
        )
        #expect(fixture.reports().isEmpty, "the secret may be wrong")
        backplane.grant(fence: 2, [position("a", 5)])
        #expect(fixture.reports(0) == ["taken from 1"])
        #expect(fixture.reports(1) == ["session 8 a@5-0"])
        // The old one does not know yet.
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 9)]))
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        #expect(backplane.takeWrites() == [])
        fixture.uplink.receive(.saveSession(request.id, holder(2, on: 1), [position("a", 7)]))
        #expect(backplane.takeWrites() == ["held 2 a@7-0"])
        // The message that tells the old node is this node's own.
        backplane.delegate?.taken(request.id, fence: 2)
        #expect(fixture.reports(1).isEmpty)
    }

    @Test("a wrong token changes nothing for who holds the session")
    func wrongToken() throws {
        let (fixture, request) = try opened()
        fixture.uplink.receive(.session(sessionRequest(.resume, id: request.id, secret: 2, number: 8, connection: 2)))
        backplane.refuse(.unknown)
        #expect(fixture.reports() == ["no session 8 unknown"])
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 7)]))
        #expect(backplane.takeWrites() == ["held 1 a@7-0"])
    }

    @Test(
        "a session taken over by another node is let go of, by its message or by a write that is refused",
        arguments: [true, false]
    )
    func takeOverElsewhere(byMessage: Bool) throws {
        let (fixture, request) = try opened()
        if byMessage {
            backplane.delegate?.taken(request.id, fence: 2)
        } else {
            fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 7)]))
            backplane.delegate?.saved(request.id, fence: 1, .success(.stale))
        }
        #expect(fixture.reports() == ["taken from 1"])
        _ = backplane.takeWrites()
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 8)]))
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        #expect(backplane.takeWrites() == [])
        #expect(fixture.metrics.sessionsTaken.value == 1)
    }

    @Test(
        "a take-over that is heard of before this node's own resume is answered counts, too",
        arguments: [true, false]
    )
    func earlyMessage(isHeldHere: Bool) throws {
        let (fixture, request) = try opened()
        if !isHeldHere { fixture.uplink.receive(.releaseSession(request.id, holder(1))) }
        fixture.uplink.receive(.session(sessionRequest(.resume, id: request.id, number: 8, connection: 2)))
        backplane.delegate?.taken(request.id, fence: 3)
        #expect(fixture.reports() == (isHeldHere ? ["taken from 1"] : []))
        backplane.grant(fence: 2)
        #expect(fixture.reports() == ["session 8", "taken from 2"])
        #expect(fixture.metrics.sessions.value == 0)
        // It says nothing of what is granted later.
        fixture.uplink.receive(.session(sessionRequest(.resume, id: request.id, number: 9, connection: 3)))
        backplane.grant(fence: 4)
        #expect(fixture.reports() == ["session 9"])
        #expect(fixture.metrics.sessions.value == 1)
    }

    @Test("an answer to a write with an older fence says nothing of a session that was resumed since")
    func lateRefusal() throws {
        let (fixture, request) = try opened()
        fixture.uplink.receive(.session(sessionRequest(.resume, id: request.id, number: 8, connection: 2)))
        backplane.grant(fence: 3)
        _ = fixture.reports()
        backplane.delegate?.saved(request.id, fence: 1, .success(.stale))
        backplane.delegate?.taken(request.id, fence: 2)
        #expect(fixture.reports() == [])
    }

    @Test(
        "a node opens no more sessions than it may have, those that are left for good included, for as long as these last"
    )
    func sessionsMax() throws {
        let fixture = try fixture {
            $0.sessionsMax = 3
            $0.resumeMilliseconds = 15_000
        }
        var opened: [SessionRequest] = []
        for number in 1...3 as ClosedRange<UInt64> {
            let request = sessionRequest(.open, number: number, connection: number)
            opened.append(request)
            fixture.uplink.receive(.session(request))
        }
        fixture.uplink.receive(.session(sessionRequest(.open, number: 4, connection: 4)))
        #expect(
            fixture.reports() == ["no session 4 backplane(Backplane.BackplaneFailure.overloaded)"],
            "three are asked for"
        )
        for _ in 1...3 { backplane.grant(fence: 1) }
        fixture.uplink.receive(.releaseSession(opened[0].id, holder(1)))
        fixture.uplink.receive(.releaseSession(opened[1].id, holder(2)))
        _ = fixture.reports()
        fixture.uplink.receive(.session(sessionRequest(.open, number: 5, connection: 5)))
        #expect(
            fixture.reports() == ["no session 5 backplane(Backplane.BackplaneFailure.overloaded)"],
            "two may come back"
        )
        #expect(fixture.metrics.sessionsUnopened.value == 2)
        // One does, and is counted once.
        fixture.uplink.receive(.session(sessionRequest(.resume, id: opened[0].id, number: 6, connection: 6)))
        backplane.grant(fence: 2)
        #expect(fixture.reports() == ["session 6"])
        fixture.tick(84)
        fixture.uplink.receive(.session(sessionRequest(.open, number: 7, connection: 7)))
        #expect(backplane.grants.count == 1, "the time of the other is over")
        fixture.uplink.receive(.session(sessionRequest(.open, number: 8, connection: 8)))
        #expect(fixture.reports() == ["no session 8 backplane(Backplane.BackplaneFailure.overloaded)"])
    }

    @Test("polls that name ever other channels with one token give it no more than a connection may have")
    func pollSubscriptionsMax() throws {
        let (fixture, request) = try opened(isPoll: true) { $0.channelsPerConnectionMax = 4 }
        let names = (0..<50).map { "channel \($0)" }
        for start in stride(from: 0, to: 50, by: 2) {
            let changes = names[start..<(start + 2)].map { position($0, 5) }
            fixture.uplink.receive(.saveSession(request.id, holder(1), changes))
        }
        #expect(backplane.takeWrites() == ["held 1 channel 0@5-0 channel 1@5-0", "held 1 channel 2@5-0 channel 3@5-0"])
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("channel 0", nil), position("new", 6)]))
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        _ = fixture.reports()
        fixture.uplink.receive(
            .session(sessionRequest(.resume, id: request.id, number: 9, connection: 9, isPoll: true))
        )
        #expect(fixture.reports() == ["session 9 channel 1@5-0 channel 2@5-0 channel 3@5-0 new@6-0"])
    }

    @Test("a poll finds its session in memory; a wrong secret does not")
    func affinity() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        #expect(backplane.takeWrites() == ["held 1 a@5-0"])
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        _ = fixture.reports()
        for connection in 2...9 as ClosedRange<UInt64> {
            let next = sessionRequest(.resume, id: request.id, number: connection, connection: connection, isPoll: true)
            fixture.uplink.receive(.session(next))
            #expect(fixture.reports() == ["session \(connection) a@\(3 + connection)-0"])
            fixture.uplink.receive(.saveSession(request.id, holder(connection), [position("a", 4 + connection)]))
            fixture.uplink.receive(.releaseSession(request.id, holder(connection)))
        }
        #expect(backplane.grants.isEmpty && backplane.takeWrites() == [])
        #expect(fixture.metrics.sessionsFound.value == 8)
        fixture.tick(24)
        #expect(backplane.takeWrites() == ["held 1 a@13-0"], "what moved is written after a while, once")
        let wrong = sessionRequest(.resume, id: request.id, secret: 2, number: 11, connection: 11, isPoll: true)
        fixture.uplink.receive(.session(wrong))
        backplane.refuse(.unknown)
        #expect(fixture.reports() == ["no session 11 unknown"])
    }

    @Test(
        "a poll that does not say it was here last may have been elsewhere: the backplane is asked, and has all first"
    )
    func notAffine() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 6)]))
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        _ = (fixture.reports(), backplane.takeWrites())
        let next = sessionRequest(.resume, id: request.id, number: 2, connection: 2, isPoll: true, isAffine: false)
        fixture.uplink.receive(.session(next))
        #expect(backplane.takeWrites() == ["held 1 a@6-0"])
        backplane.grant(fence: 3, [position("a", 6)])
        #expect(fixture.reports() == ["session 2 a@6-0"])
        fixture.uplink.receive(.saveSession(request.id, holder(2), [position("a", 7), position("b", 1)]))
        #expect(backplane.takeWrites() == ["held 3 a@7-0 b@1-0"])
    }

    @Test("a poll displaces the one that is held, and the displaced one releases nothing")
    func displacedPoll() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(
            .session(sessionRequest(.resume, id: request.id, number: 2, connection: 2, isPoll: true))
        )
        #expect(fixture.reports() == ["taken from 1", "session 2"])
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        fixture.uplink.receive(.saveSession(request.id, holder(2), [position("a", 5)]))
        #expect(backplane.takeWrites() == ["held 1 a@5-0"])
    }

    @Test("a client that polls no more is given up after the time to resume")
    func idlePoll() throws {
        let (fixture, request) = try opened(isPoll: true) { $0.resumeMilliseconds = 5_000 }
        fixture.uplink.receive(.releaseSession(request.id, holder(1)))
        fixture.tick(12)
        #expect(fixture.metrics.sessions.value == 1)
        _ = backplane.takeWrites()
        fixture.tick(48)
        #expect(fixture.metrics.sessions.value == 0)
        #expect(backplane.takeWrites().last == "ended 1")
    }

    @Test("a session that the backplane lost is put back, and its connection tells all again")
    func restored() throws {
        let (fixture, request) = try opened(fence: 4)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        _ = backplane.takeWrites()
        backplane.delegate?.saved(request.id, fence: 4, .success(.gone))
        #expect(backplane.takeWrites() == ["restore 4"])
        backplane.delegate?.saved(request.id, fence: 4, .success(.kept))
        fixture.tick(4)
        #expect(fixture.reports() == ["forgotten of 1"])
        #expect(fixture.metrics.sessionsRestored.value == 1)
    }

    @Test("a write that did not get through is repeated once the backplane is there")
    func repeated() throws {
        let (fixture, request) = try opened()
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        backplane.setUp(false)
        backplane.delegate?.saved(request.id, fence: 1, .failure(.unavailable))
        fixture.tick(8)
        #expect(fixture.reports() == ["down"])
        backplane.setUp(true)
        fixture.tick(4)
        #expect(fixture.reports() == ["up", "forgotten of 1"])
        fixture.tick(8)
        #expect(fixture.reports() == [])
    }

    @Test("a repeated write that fails at once, too, is repeated again")
    func repeatedAgain() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        // Past the first renewal.
        fixture.tick(8)
        _ = backplane.takeWrites()
        backplane.delegate?.saved(request.id, fence: 1, .failure(.unavailable))
        backplane.failsWrites = true
        fixture.tick(8)
        #expect(backplane.takeWrites() == ["held 1 a@5-0", "held 1 a@5-0"])
        backplane.failsWrites = false
        fixture.tick(4)
        #expect(backplane.takeWrites() == ["held 1 a@5-0"])
        fixture.tick(8)
        #expect(backplane.takeWrites() == [])
    }

    @Test("checkpoints of very many polls go out a few with each turn, and all within the time between two")
    func checkpointsOfMany() throws {
        let fixture = try fixture()
        // Past the first renewal, and a checkpoint.
        fixture.tick(8)
        for number in 0..<1_000 as Range<UInt64> {
            let request = sessionRequest(.open, number: number, connection: number, isPoll: true)
            fixture.uplink.receive(.session(request))
            backplane.grant(fence: 1)
            for milliseconds in [5, 6] as [UInt64] {
                fixture.uplink.receive(.saveSession(request.id, holder(number), [position("a", milliseconds)]))
            }
        }
        #expect(backplane.takeWrites() == Array(repeating: "held 1 a@5-0", count: 1_000))
        var writes: [Int] = []
        for _ in 0..<20 {
            fixture.tick(1)
            writes.append(backplane.takeWrites().count)
            for _ in 0..<20 {
                _ = fixture.uplink.endOfTurn()
                writes.append(backplane.takeWrites().count)
            }
        }
        #expect(writes.reduce(0, +) == 1_000)
        #expect(writes.allSatisfy { $0 <= 64 }, "\(writes.max() ?? 0) at once")
    }

    @Test("what did not get through is repeated once there is room for it")
    func repeatedWithRoom() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        fixture.tick(8)
        _ = backplane.takeWrites()
        backplane.delegate?.saved(request.id, fence: 1, .failure(.overloaded))
        backplane.hasRoom = false
        fixture.tick(8)
        #expect(backplane.takeWrites() == [])
        backplane.hasRoom = true
        _ = fixture.uplink.endOfTurn()
        #expect(backplane.takeWrites() == ["held 1 a@5-0"])
    }

    @Test("a session that is let go of, or resumed anew, before its turn comes is not written again")
    func tendedInTime() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        fixture.tick(8)
        backplane.hasRoom = false
        backplane.delegate?.saved(request.id, fence: 1, .failure(.overloaded))
        fixture.tick(4)
        let next = sessionRequest(.resume, id: request.id, number: 2, connection: 2, isPoll: true, isAffine: false)
        fixture.uplink.receive(.session(next))
        backplane.grant(fence: 2, [position("a", 5)])
        _ = backplane.takeWrites()
        backplane.hasRoom = true
        _ = fixture.uplink.endOfTurn()
        #expect(backplane.takeWrites() == [])
    }

    @Test("every session is renewed within half of its lease")
    func renewed() throws {
        let fixture = try fixture { $0.sessionLeaseMilliseconds = 20_000 }
        for number in 0..<100 as Range<UInt64> {
            fixture.uplink.receive(.session(sessionRequest(.open, number: number, connection: number)))
            backplane.grant(fence: 1)
        }
        var most = 0
        var count = 0
        for _ in 0..<44 {
            fixture.tick(1)
            let writes = backplane.takeWrites().count
            most = max(most, writes)
            count += writes
        }
        #expect(count >= 100)
        #expect(most <= 5, "a few in each tick")
    }

    @Test("a node that ends leaves its sessions behind, with all that it knows of them")
    func left() throws {
        let (fixture, request) = try opened(isPoll: true)
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
        fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 6)]))
        _ = backplane.takeWrites()
        fixture.uplink.receive(.stop(untilNanoseconds: .max))
        #expect(backplane.takeWrites() == ["detached 1 a@6-0"])
    }

    @Test("a node that ends waits for room for its last words, and says them all the same where none comes")
    func leftWithoutRoom() throws {
        for makesRoom in [true, false] {
            let (fixture, request) = try opened(isPoll: true)
            fixture.uplink.receive(.saveSession(request.id, holder(1), [position("a", 5)]))
            _ = backplane.takeWrites()
            (backplane.hasRoom, backplane.makesRoom) = (false, makesRoom)
            let before = backplane.waitsForRoom
            fixture.uplink.receive(.stop(untilNanoseconds: .max))
            #expect(backplane.takeWrites() == ["detached 1 a@5-0"])
            #expect(backplane.waitsForRoom == before + 1)
            backplane.hasRoom = true
        }
    }

    @Test("a held session takes little memory")
    func size() {
        #expect(MemoryLayout<HeldSession>.size <= 72)
    }
}
