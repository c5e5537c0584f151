import Backplane
import Broker
import Testing

@Suite("Uplink: presence")
struct PresenceTests {
    private let backplane = ScriptedBackplane()
    private let member = MemberID(1)

    private func fixture(_ change: (inout Limits) -> Void = { _ in }) throws -> UplinkFixture {
        let fixture = try UplinkFixture(backplane, change)
        fixture.tick(41)
        _ = backplane.takePresence()
        return fixture
    }

    private func enter(_ fixture: UplinkFixture, by connection: UInt64 = 1, _ transport: String = "websocket") {
        let holder = SessionHolder(reactor: 0, connection: connection)
        fixture.uplink.receive(.enter(ChannelName("a")!, member, transport: transport, details: [], holder, nil))
    }

    private func leave(_ fixture: UplinkFixture, by connection: UInt64 = 1, _ departure: Departure) {
        let holder = SessionHolder(reactor: 0, connection: connection)
        fixture.uplink.receive(.leave(ChannelName("a")!, member, holder, departure))
    }

    @Test("who says goodbye is gone at once")
    func clean() throws {
        let fixture = try fixture()
        enter(fixture)
        #expect(fixture.metrics.members.value == 1)
        leave(fixture, .clean)
        #expect(backplane.takePresence() == ["enter a 0000000000000001 websocket", "leave a 0000000000000001"])
        #expect(fixture.metrics.members.value == 0)
    }

    @Test("who is lost stays until its session cannot be resumed any more, with a lease that is renewed")
    func lost() throws {
        let fixture = try fixture { $0.resumeMilliseconds = 60_000 }
        enter(fixture)
        leave(fixture, .lost)
        #expect(backplane.takePresence() == ["enter a 0000000000000001 websocket"])
        fixture.tick(100)
        let renewals = backplane.takePresence()
        #expect(!renewals.isEmpty && renewals.allSatisfy { $0 == "renew a 0000000000000001" })
        fixture.tick(200)
        #expect(backplane.takePresence().contains("leave a 0000000000000001"))
        #expect(fixture.metrics.members.value == 0)
    }

    @Test("who is lost and resumes on the same node was never gone, and costs nothing")
    func resumes() throws {
        let fixture = try fixture()
        enter(fixture)
        _ = backplane.takePresence()
        leave(fixture, .lost)
        enter(fixture, by: 2)
        leave(fixture, by: 1, .clean)
        #expect(backplane.takePresence() == [])
        #expect(fixture.metrics.members.value == 1)
        enter(fixture, by: 2, "poll")
        #expect(backplane.takePresence() == ["enter a 0000000000000001 poll"], "how it is connected is told")
    }

    @Test("who comes when another connection has its session already does not take it out of the channel as it leaves")
    func late() throws {
        let fixture = try fixture()
        let request = sessionRequest(.open)
        fixture.uplink.receive(.session(request))
        backplane.grant(fence: 1)
        fixture.uplink.receive(.session(sessionRequest(.resume, id: request.id, number: 2, connection: 2)))
        backplane.grant(fence: 2)
        let (name, member) = (ChannelName("a")!, member)
        for connection in [2, 1] as [UInt64] {
            let holder = SessionHolder(reactor: 0, connection: connection)
            fixture.uplink.receive(.enter(name, member, transport: "websocket", details: [], holder, request.id))
        }
        leave(fixture, by: 1, .taken)
        #expect(fixture.metrics.members.value == 1)
        leave(fixture, by: 2, .clean)
        #expect(backplane.takePresence() == ["enter a 0000000000000001 websocket", "leave a 0000000000000001"])
    }

    @Test("who was taken over, or came to another node, is left to that one")
    func taken() throws {
        let fixture = try fixture()
        enter(fixture)
        leave(fixture, .taken)
        #expect(backplane.takePresence() == ["enter a 0000000000000001 websocket"])
        enter(fixture)
        leave(fixture, .lost)
        _ = backplane.takePresence()
        backplane.delegate?.renewed(ChannelName("a")!, lost: [member, MemberID(9)], missing: [])
        #expect(fixture.metrics.members.value == 0)
        fixture.tick(50)
        #expect(backplane.takePresence() == [])
    }

    @Test("who is connected here was not lost to another node, whatever an older answer says")
    func comesBack() throws {
        let fixture = try fixture()
        enter(fixture)
        _ = backplane.takePresence()
        backplane.delegate?.renewed(ChannelName("a")!, lost: [member], missing: [])
        #expect(backplane.takePresence() == ["enter a 0000000000000001 websocket"])
        #expect(fixture.metrics.members.value == 1)
    }

    @Test("where somebody hears a channel's presence, its lapsed leases are ended although no member is here")
    func sweeps() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("$presence/a")
        backplane.answer(head: 0)
        fixture.tick(41)
        #expect(backplane.takePresence().contains("renew a"))
    }

    @Test("very many members are renewed in parts, each within a third of its lease")
    func many() throws {
        let fixture = try fixture()
        for number in 0..<1_200 as Range<UInt64> {
            let holder = SessionHolder(reactor: 0, connection: number)
            fixture.uplink.receive(
                .enter(ChannelName("a")!, MemberID(number), transport: "poll", details: [], holder, nil)
            )
        }
        _ = backplane.takePresence()
        fixture.tick(41)
        let renewals = backplane.takePresence()
        #expect(renewals.count >= 3)
        let named = Set(renewals.flatMap { $0.split(separator: " ").dropFirst(2) })
        #expect(named.count == 1_200)
    }

    @Test(
        "more members of one channel than there is room for are renewed as there is, and those that left meanwhile are not"
    )
    func manyMore() throws {
        let fixture = try fixture()
        for number in 0..<60_000 as Range<UInt64> {
            let holder = SessionHolder(reactor: 0, connection: number)
            fixture.uplink.receive(
                .enter(ChannelName("a")!, MemberID(number), transport: "poll", details: [], holder, nil)
            )
        }
        _ = backplane.takePresence()
        backplane.hasRoom = false
        fixture.tick(41)
        #expect(backplane.takePresence() == [], "refused, they would have no lease any more")
        let holder = SessionHolder(reactor: 0, connection: 7)
        fixture.uplink.receive(.leave(ChannelName("a")!, MemberID(7), holder, .taken))
        backplane.hasRoom = true
        var named: Set<Substring> = []
        for _ in 0..<30 {
            _ = fixture.uplink.endOfTurn()
            let renewals = backplane.takePresence()
            #expect(renewals.count == 4)
            named.formUnion(renewals.flatMap { $0.split(separator: " ").dropFirst(2) })
        }
        #expect(named.count == 59_999)
    }

    @Test(
        "what others see of a member goes along, again as it changes; what the backplane lost is told anew, also of who may resume"
    )
    func details() throws {
        let fixture = try fixture()
        func enter(_ details: String) {
            let holder = SessionHolder(reactor: 0, connection: 1)
            let name = ChannelName("a")!
            fixture.uplink.receive(
                .enter(name, member, transport: "poll", details: Array(details.utf8), holder, nil)
            )
        }
        for details in ["", "{1}", "{1}", "{2}"] { enter(details) }
        let told = ["", " {1}", " {2}"].map { "enter a 0000000000000001 poll\($0)" }
        #expect(backplane.takePresence() == told)
        leave(fixture, .lost)
        backplane.delegate?.renewed(ChannelName("a")!, lost: [], missing: [member, MemberID(9)])
        #expect(backplane.takePresence() == [told[2]])
        backplane.delegate?.renewed(ChannelName("a")!, lost: [member], missing: [])
        #expect(backplane.takePresence() == [] && fixture.metrics.members.value == 0)
    }
}
