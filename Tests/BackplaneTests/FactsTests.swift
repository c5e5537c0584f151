import Broker
import Testing

@testable import Backplane

@Suite("Uplink: what a node says of itself")
struct FactsTests {
    private let backplane = ScriptedBackplane()
    private let payload = Payload(kind: .json, bytes: Array("{}".utf8))

    @Test("it is told to those who hear it now, and how many nodes those are is known")
    func told() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.uplink.receive(.tellFacts(payload))
        #expect(backplane.told == ["$nodes {}"] && fixture.metrics.factsTold.value == 1)
        backplane.delegate?.told(.nodes, .success(3))
        #expect(fixture.metrics.factsListeners.value == 3)
        backplane.delegate?.told(.nodes, .failure(.unavailable))
        #expect(fixture.metrics.factsListeners.value == 0)
        fixture.watch("a")
        #expect(fixture.metrics.factsListeners.value == 0)
        // Who comes to this node is known at once.
        fixture.watch("$nodes")
        #expect(fixture.metrics.factsListeners.value == 1)
    }

    @Test("while the backplane is away, the channel opens at once and this node is heard; then it is as all others")
    func away() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.setUp(false)
        _ = fixture.reports()
        backplane.acknowledges = false
        fixture.watch("$nodes")
        fixture.watch("a")
        #expect(fixture.reports() == ["opened $nodes 0-0"])
        fixture.uplink.receive(.tellFacts(payload))
        #expect(fixture.reports() == ["$nodes {}"] && backplane.told.isEmpty)
        #expect(fixture.metrics.factsListeners.value == 1)
        backplane.setUp(true)
        _ = fixture.reports()
        backplane.delegate?.subscribed(.nodes)
        backplane.answer(head: 0)
        fixture.uplink.receive(.tellFacts(payload))
        #expect(backplane.told == ["$nodes {}"] && fixture.reports().isEmpty)
        backplane.delegate?.heard(payload, in: .nodes)
        #expect(fixture.reports() == ["$nodes {}"])
        // Nobody here listens any more.
        backplane.setUp(false)
        fixture.unwatch("$nodes")
        fixture.tick(200)
        _ = fixture.reports()
        fixture.uplink.receive(.tellFacts(payload))
        #expect(fixture.reports().isEmpty && fixture.metrics.factsListeners.value == 0)
    }
}
