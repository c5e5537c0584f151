import Backplane
import Broker

@testable import Reactor

/// One node: a real uplink between a simulated Redis and simulated edge reactors, with turns when the run gives it some.
final class SimulatedNode {
    let name: String
    private unowned let simulation: Simulation
    let backplane: SimulatedBackplane
    let uplink: Uplink
    private(set) var edges: [SimulatedEdge] = []

    private let seat = ReactorSeat()
    /// When the node started, by its own clock and by the run's.
    private let seatStart: UInt64
    private let start: UInt64

    /// What edges told the uplink and it has not taken yet.
    private var commands: [UplinkCommand] = []

    init(_ simulation: Simulation, name: String) throws {
        self.simulation = simulation
        self.name = name
        seatStart = seat.now
        start = simulation.schedule.now
        backplane = SimulatedBackplane(simulation, name: name)
        let inboxes = try (0..<simulation.scenario.reactorCount).map { _ in try Inbox<UplinkReport>() }
        uplink = Uplink(
            seat: seat,
            backplane: backplane,
            reports: inboxes,
            limits: simulation.scenario.limits,
            metrics: UplinkMetrics()
        )
        edges = inboxes.enumerated().map { SimulatedEdge(simulation, self, index: $0, inbox: $1) }
        uplink.start()
    }

    func post(_ command: UplinkCommand) { commands.append(command) }

    /// Has the uplink know the time; it hears Redis between its turns, too.
    func setClock() { seat.setClock(seatStart + (simulation.schedule.now - start) * 1_000_000) }

    /// The ticks that came due, for the edges too.
    var currentTick: Tick { Tick(number: UInt32((simulation.schedule.now - start) / Tick.milliseconds)) }

    func tick(afterMilliseconds milliseconds: UInt64) -> Tick {
        Tick(number: UInt32((simulation.schedule.now - start + milliseconds) / Tick.milliseconds) + 1)
    }

    func turn() {
        setClock()
        let batch = commands
        commands.removeAll()
        for command in batch { uplink.receive(command) }
        if let tick = seat.advanceClock() { uplink.tick(tick) }
        _ = uplink.endOfTurn()
    }

    var isIdle: Bool { commands.isEmpty && backplane.isIdle && edges.allSatisfy(\.isIdle) }

    /// Dies on the spot, or ends in order: then it has its last words.
    func end(inOrder: Bool) {
        simulation.verifier.note("\(self.name) \(inOrder ? "ends" : "dies")")
        if inOrder {
            turn()
            uplink.receive(.stop(untilNanoseconds: .max))
        }
        backplane.close(leavesGhosts: inOrder)
        for edge in edges { edge.die() }
        commands.removeAll()
    }
}
