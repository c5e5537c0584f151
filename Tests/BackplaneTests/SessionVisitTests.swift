import Broker
import Reactor
import Testing

@testable import Backplane

@Suite("Uplink: visits")
struct SessionVisitTests {
    private let backplane = ScriptedBackplane()

    private func held(_ fixture: UplinkFixture, isPoll: Bool = true) -> SessionRequest {
        let request = sessionRequest(.resume, number: 1, connection: 4, isPoll: isPoll)
        fixture.uplink.receive(.session(request))
        backplane.grant(fence: 3, [position("a", 5)], notes: "v1")
        _ = (fixture.reports(), backplane.takeWrites())
        return request
    }

    private func visit(
        _ request: SessionRequest,
        _ changes: [SessionPosition] = [],
        restarts: Bool = false,
        isLast: Bool = false
    ) -> SessionVisit {
        SessionVisit(
            ticket: Ticket(reactor: 0, number: 9),
            id: request.id,
            secret: request.secret,
            changes: changes,
            restarts: restarts,
            isLast: isLast
        )
    }

    @Test("a visit is answered from memory, and with another secret not at all")
    func question() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request)))
        #expect(fixture.reports() == ["visited 9 a@5-0 (v1)"])
        let wrong = sessionRequest(.resume, id: request.id, secret: 2)
        fixture.uplink.receive(.visitSession(visit(wrong)))
        #expect(backplane.touches == [Ticket(reactor: 0, number: 9)])
        backplane.delegate?.touched(backplane.touches[0], .success(nil))
        #expect(fixture.reports() == ["not visited 9 unknown"])
    }

    @Test("changes are written before they are answered, and told to who holds the session")
    func changes() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        // What is there stays where it stands.
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7), position("a", 8)])))
        #expect(backplane.takeWrites() == ["held 3 b@7-0"] && fixture.reports().isEmpty)
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["changed of 4 b@7-0", "visited 9 a@5-0 b@7-0 (v1)"])
        fixture.uplink.receive(.visitSession(visit(request, [position("a", 8)], restarts: true)))
        #expect(backplane.takeWrites() == ["held 3 a@8-0"])
    }

    @Test("a session that another node has is taken from it for a visit, and nobody holds it then")
    func elsewhere() throws {
        let fixture = try UplinkFixture(backplane)
        let request = sessionRequest(.resume, number: 1, connection: 4)
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7)])))
        #expect(backplane.grants.first?.taking == .visit && backplane.grants.first?.holder == nil)
        backplane.grant(fence: 5, [position("a", 5)], notes: "v1")
        #expect(backplane.takeWrites() == ["held 5 b@7-0"])
        backplane.delegate?.saved(request.id, fence: 5, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["visited 9 a@5-0 b@7-0 (v1)"])
    }

    @Test("a visit that comes too late is tried again where the session is, and not for ever")
    func contended() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7)])))
        for fence in 4...6 as ClosedRange<UInt64> {
            backplane.delegate?.saved(request.id, fence: fence - 1, for: backplane.writeTickets.last!, .success(.stale))
            backplane.grant(fence: fence, [position("a", 5)])
        }
        backplane.delegate?.saved(request.id, fence: 6, for: backplane.writeTickets.last!, .success(.stale))
        #expect(fixture.reports().contains("not visited 9 backplane(Backplane.BackplaneFailure.overloaded)"))
    }

    @Test("what was kept is so, also if another node took the session before that was heard")
    func takenWhileKept() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7)])))
        backplane.delegate?.taken(request.id, fence: 4, .attach)
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["taken from 4", "visited 9 a@5-0 b@7-0 (v1)"])
    }

    @Test("what was kept does not set back a session that moved on elsewhere and is here again")
    func cameBackWhileKept() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7)])))
        backplane.delegate?.taken(request.id, fence: 4, .attach)
        let again = sessionRequest(.resume, id: request.id, number: 2, connection: 5, isPoll: true)
        fixture.uplink.receive(.session(again))
        backplane.grant(fence: 6, [position("a", 5), position("b", 9)], notes: "v1")
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        _ = fixture.reports()
        fixture.uplink.receive(.visitSession(visit(request)))
        #expect(fixture.reports() == ["visited 9 a@5-0 b@9-0 (v1)"])
    }

    @Test("a session that the backplane lost and this node has is there again before a visit is answered")
    func lost() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request, [position("b", 7)])))
        _ = backplane.takeWrites()
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.gone))
        #expect(backplane.takeWrites().last == "held 3 b@7-0" && fixture.reports().isEmpty)
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["changed of 4 b@7-0", "visited 9 a@5-0 b@7-0 (v1)"])
    }

    @Test("the last visit ends the session, and who holds it is told why")
    func end() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(.visitSession(visit(request, isLast: true)))
        #expect(backplane.takeWrites() == ["ended 3"])
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["taken from 4 for end", "visited 9"])
        #expect(fixture.metrics.sessions.value == 0)
    }

    @Test("what is taken by a visit elsewhere before its grant is known here is let go of as that says")
    func takenBeforeGranted() throws {
        let fixture = try UplinkFixture(backplane)
        let request = sessionRequest(.resume, number: 1, connection: 4, isPoll: true)
        fixture.uplink.receive(.session(request))
        backplane.delegate?.taken(request.id, fence: 9, .end)
        backplane.grant(fence: 5, [position("a", 5)])
        #expect(fixture.reports() == ["session 1 a@5-0", "taken from 4 for end"])
    }

    @Test("a settlement is answered once it is kept, by who holds the session only")
    func settlement() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        func settle(_ number: UInt64) {
            fixture.uplink.receive(
                .settleSession(
                    SessionSettlement(
                        ticket: Ticket(reactor: 0, number: number),
                        id: request.id,
                        holder: SessionHolder(reactor: 0, connection: 4),
                        changes: [position("a", 6)],
                        notes: Array("v2".utf8),
                        isRelease: true
                    )
                )
            )
        }
        settle(7)
        #expect(backplane.takeWrites() == ["held 3 a@6-0 (v2)"] && fixture.reports().isEmpty)
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .success(.kept))
        #expect(fixture.reports() == ["settled 7 success(Broker.SessionWrite.kept)"])
        // It was let go of.
        settle(8)
        #expect(fixture.reports() == ["settled 8 success(Broker.SessionWrite.stale)"] && backplane.takeWrites().isEmpty)
    }

    @Test("a settlement that fails leaves the client where it stood, for it is not sent what it waits for")
    func failedSettlement() throws {
        let fixture = try UplinkFixture(backplane)
        let request = held(fixture)
        fixture.uplink.receive(
            .settleSession(
                SessionSettlement(
                    ticket: Ticket(reactor: 0, number: 7),
                    id: request.id,
                    holder: SessionHolder(reactor: 0, connection: 4),
                    changes: [position("a", 6)],
                    notes: Array("v2".utf8),
                    isRelease: true
                )
            )
        )
        backplane.delegate?.saved(request.id, fence: 3, for: backplane.writeTickets.last!, .failure(.unavailable))
        #expect(fixture.reports() == ["settled 7 failure(Backplane.BackplaneFailure.unavailable)"])
        fixture.uplink.receive(.visitSession(visit(request)))
        #expect(fixture.reports() == ["visited 9 a@5-0 (v1)"])
        // What Redis may have taken all the same is written over.
        backplane.setUp(true)
        _ = backplane.takeWrites()
        fixture.tick(8)
        #expect(backplane.takeWrites().contains("held 3 a@5-0 (v1)"))
    }
}
