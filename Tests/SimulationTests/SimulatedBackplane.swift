import Backplane
import Broker
import Reactor

/// One node's way to the simulated Redis: requests that are answered in order, late or not at all, and a bus that is heard
/// from the moment its subscription reached Redis.
final class SimulatedBackplane: Backplane {
    let name: String
    unowned let simulation: Simulation
    let commands: SimulatedLink
    let bus: SimulatedLink
    weak var delegate: (any BackplaneDelegate)?

    /// Requests without an answer: how each fails, in order.
    var pending: [(number: Int, fail: () -> Void)] = []
    var lastRequest = 0

    /// What the node wants to hear, and what this connection of the bus is subscribed to in Redis.
    var wanted: [ChannelName] = []
    var heard: Set<ChannelName> = []
    var hearsControl = false

    init(_ simulation: Simulation, name: String) {
        self.simulation = simulation
        self.name = name
        commands = SimulatedLink(simulation, name: "\(name)'s commands")
        bus = SimulatedLink(simulation, name: "\(name)'s bus")
        commands.onConnected = { [unowned self] in greet() }
        commands.onLost = { [unowned self] in failPending() }
        bus.onConnected = { [unowned self] in subscribeAnew() }
        bus.onLost = { [unowned self] in
            heard.removeAll()
            hearsControl = false
            self.delegate?.linkChanged()
        }
    }

    var isUp: Bool { commands.isGreeted && bus.isGreeted }

    /// Whether nothing is asked that was not answered.
    var isIdle: Bool { pending.isEmpty }

    func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        simulation.redis.listeners.append(self)
        commands.connect()
        bus.connect()
    }

    // MARK: Faults

    func loseLinks() {
        commands.lose(leavesGhosts: false)
        bus.lose(leavesGhosts: false)
    }

    func loseOneLink() {
        if simulation.random.once(in: 2) {
            commands.lose(leavesGhosts: simulation.random.once(in: 2))
        } else {
            bus.lose(leavesGhosts: false)
        }
    }

    func freeze(milliseconds: Int) {
        let which = simulation.random.number(0...2)
        if which != 0 { commands.freeze(milliseconds: milliseconds) }
        if which != 1 { bus.freeze(milliseconds: milliseconds) }
    }

    func thaw() {
        commands.thaw()
        bus.thaw()
    }

    /// The node is gone, with or without its last words.
    func close(leavesGhosts: Bool) {
        simulation.redis.listeners.removeAll { $0 === self }
        pending.removeAll()
        delegate = nil
        commands.close(leavesGhosts: leavesGhosts)
        bus.close(leavesGhosts: false)
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
