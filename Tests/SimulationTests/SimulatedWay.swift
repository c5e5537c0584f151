import Backplane
import Broker

/// One node's way to one master: requests that are answered in order, late or not at all, and a bus that is heard from the moment its
/// subscription reached Redis.
final class SimulatedWay {
    unowned let backplane: SimulatedBackplane
    unowned let simulation: Simulation
    unowned let redis: SimulatedRedis
    let commands: SimulatedLink
    let bus: SimulatedLink

    /// Requests without an answer: how each fails, in order.
    private(set) var pending: [(number: Int, fail: () -> Void)] = []
    private var lastRequest = 0

    /// What this connection of the bus is subscribed to in Redis.
    var heard: Set<ChannelName> = []
    var hearsControl = false

    /// Whether the bus was there before.
    var wasHeard = false

    /// Whether it was replaced without a word to this node, which still asks and hears the former master.
    private(set) var isAtFormer = false

    init(_ backplane: SimulatedBackplane, to redis: SimulatedRedis) {
        self.backplane = backplane
        self.redis = redis
        simulation = backplane.simulation
        let place = simulation.masters.count == 1 ? "" : " at \(redis.number)"
        commands = SimulatedLink(simulation, to: redis, name: "\(backplane.name)'s commands\(place)")
        bus = SimulatedLink(simulation, to: redis, name: "\(backplane.name)'s bus\(place)")
        commands.onConnected = { [unowned self] in greet() }
        commands.onLost = { [unowned self] in failPending() }
        bus.onConnected = { [unowned self] in subscribeAnew() }
        bus.onLost = { [unowned self] in
            leaveFormer()
            heard.removeAll()
            hearsControl = false
            for pattern in backplane.heardPatterns.keys { backplane.heardPatterns[pattern]?.remove(redis.number) }
            backplane.delegate?.linkChanged()
        }
    }

    var isUp: Bool { commands.isGreeted && bus.isGreeted }

    func start() {
        redis.listeners.append(self)
        commands.connect()
        bus.connect()
    }

    // MARK: Faults

    func loseLinks() {
        isAtFormer = false
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

    /// The master itself stands still.
    func stall(milliseconds: Int) {
        commands.freeze(milliseconds: milliseconds)
        bus.freeze(milliseconds: milliseconds)
    }

    func thaw() {
        commands.thaw()
        bus.thaw()
    }

    /// The master is replaced. Who is connected to it stays so, until it hears of that.
    func stayAtFormer(milliseconds: Int) {
        guard commands.isConnected, bus.isConnected else { return loseLinks() }
        isAtFormer = true
        simulation.schedule.after(milliseconds) { [weak self] in
            self?.leaveFormer()
        }
    }

    /// It finds the one that took over once it has lost the former master.
    private func leaveFormer() {
        if isAtFormer { loseLinks() }
    }

    func close(leavesGhosts: Bool) {
        redis.listeners.removeAll { $0 === self }
        pending.removeAll()
        commands.close(leavesGhosts: leavesGhosts)
        bus.close(leavesGhosts: false)
    }

    // MARK: Requests

    private func greet() {
        commands.send { [self] in
            commands.receive { [self] in
                commands.isGreeted = true
                backplane.delegate?.linkChanged()
            }
        }
    }

    private func failPending() {
        leaveFormer()
        let lost = pending
        pending.removeAll()
        for request in lost { request.fail() }
        backplane.delegate?.linkChanged()
    }

    /// Has `execute` happen at Redis and `answer` here; what is not bulk may pass what is. A request that is refused is not executed.
    func ask<Answer>(
        isBulk: Bool = true,
        _ execute: @escaping (SimulatedRedis) -> Answer,
        _ answer: @escaping (Result<Answer, BackplaneFailure>) -> Void
    ) {
        guard commands.isGreeted else { return answer(.failure(.unavailable)) }
        lastRequest += 1
        let number = lastRequest
        pending.append((number, { answer(.failure(.unavailable)) }))
        commands.send(isBulk: isBulk) { [self] in
            let isRefused = simulation.random.once(in: simulation.scenario.requestRefusedOnceIn)
            let outcome: Result<Answer, BackplaneFailure> =
                isRefused ? .failure(.refused("LOADING")) : .success(execute(master))
            commands.receive { [self] in
                pending.removeAll { $0.number == number }
                answer(outcome)
            }
        }
    }

    /// Who answers what is sent.
    private var master: SimulatedRedis { isAtFormer ? redis.former ?? redis : redis }
}
