import Backplane
import Broker
import Reactor

/// One node's ways to the simulated masters, which share the channels and the sessions.
final class SimulatedBackplane: Backplane {
    let name: String
    unowned let simulation: Simulation
    private(set) var ways: [SimulatedWay] = []
    weak var delegate: (any BackplaneDelegate)?

    /// What the node wants to hear.
    var wanted: [ChannelName] = []

    /// The masters, by number, at which each pattern is heard.
    var heardPatterns: [ChannelName: Set<Int>] = [:]

    init(_ simulation: Simulation, name: String) {
        self.simulation = simulation
        self.name = name
        ways = simulation.masters.map { SimulatedWay(self, to: $0) }
    }

    var isUp: Bool { ways.contains(where: \.isUp) }

    /// Whether nothing is asked that was not answered.
    var isIdle: Bool { ways.allSatisfy(\.pending.isEmpty) }

    func way(to channel: ChannelName) -> SimulatedWay { ways[simulation.master(of: channel).number] }
    func way(to session: SessionID) -> SimulatedWay { ways[simulation.master(of: session).number] }

    func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        for way in ways { way.start() }
    }

    // MARK: Faults

    private var anyWay: SimulatedWay { ways.count == 1 ? ways[0] : simulation.random.element(of: ways)! }

    func loseOneLink() { anyWay.loseOneLink() }
    func freeze(milliseconds: Int) { anyWay.freeze(milliseconds: milliseconds) }
    func thaw() { for way in ways { way.thaw() } }

    /// The node is gone, with or without its last words.
    func close(leavesGhosts: Bool) {
        delegate = nil
        for way in ways { way.close(leavesGhosts: leavesGhosts) }
    }

    // MARK: What is not simulated

    func count(_ channel: ChannelName, subscribers: Int, leaseMilliseconds: UInt64) {}
    func describe(_ channel: ChannelName, for ticket: Ticket) {}
    func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) {}
    func ready(token: UInt64, readiness: Readiness) {}
    func tick(_ tick: Tick) {}
    func endOfTurn() {}
    func finish(until deadlineNanoseconds: UInt64) {}
}
