import Broker

/// One connection of a node to Redis: what is sent arrives late and in order, or not at all once it is lost. It comes back
/// by itself.
final class SimulatedLink {
    private unowned let simulation: Simulation
    private unowned let redis: SimulatedRedis
    private let name: String

    private(set) var isConnected = false
    /// Whether its owner found it to work.
    var isGreeted = false

    /// Tells apart what was sent before and after a loss.
    private var epoch = 0
    /// What was sent before the last loss reaches Redis still, though nobody hears the answers.
    private var ghostEpoch = -1
    private var isServingGhost = false
    private var isClosed = false
    /// When the last of what was sent arrives: bulk is passed by the rest.
    private var reachesRedisAt: UInt64 = 0
    private var bulkReachesRedisAt: UInt64 = 0
    private var reachesNodeAt: UInt64 = 0
    private var isFrozenUntil: UInt64 = 0

    var onConnected: () -> Void = {}
    var onLost: () -> Void = {}

    init(_ simulation: Simulation, to redis: SimulatedRedis, name: String) {
        self.simulation = simulation
        self.redis = redis
        self.name = name
    }

    func connect() {
        let attempt = epoch
        let wait = simulation.drawDelay() + simulation.random.number(0...50)
        simulation.schedule.at(max(simulation.schedule.now + UInt64(wait), isFrozenUntil)) { [self] in
            guard !isClosed, !isConnected, attempt == epoch else { return }
            if redis.isAway { return connect() }
            isConnected = true
            simulation.verifier.note("\(self.name) is connected")
            onConnected()
        }
    }

    /// Has something happen at Redis.
    func send(isBulk: Bool = false, _ action: @escaping () -> Void) {
        guard isConnected else { return }
        let sentIn = epoch
        let at = arrival(after: isBulk ? bulkReachesRedisAt : reachesRedisAt)
        if isBulk { bulkReachesRedisAt = at } else { reachesRedisAt = at }
        simulation.schedule.at(at) { [self] in
            guard sentIn == epoch || sentIn == ghostEpoch else { return }
            isServingGhost = sentIn != epoch
            action()
            isServingGhost = false
        }
    }

    /// Has something happen at the node; out of turn, it overtakes or is overtaken.
    func receive(isInTurn: Bool = true, _ action: @escaping () -> Void) {
        guard isConnected, !isServingGhost else { return }
        let sentIn = epoch
        let at = arrival(after: isInTurn ? reachesNodeAt : 0)
        if isInTurn { reachesNodeAt = at }
        simulation.schedule.at(at) { [self] in
            if sentIn == epoch { action() }
        }
    }

    private func arrival(after earlier: UInt64) -> UInt64 {
        max(simulation.schedule.now + UInt64(simulation.drawDelay()), isFrozenUntil, earlier)
    }

    func lose(leavesGhosts: Bool) {
        guard isConnected else { return }
        simulation.verifier.note("\(self.name) is lost")
        ghostEpoch = leavesGhosts ? epoch : -1
        epoch += 1
        reachesRedisAt = 0
        bulkReachesRedisAt = 0
        reachesNodeAt = 0
        isConnected = false
        isGreeted = false
        onLost()
        if !isClosed { connect() }
    }

    /// Nothing passes for a while; if that is longer than a node waits, it gives the link up.
    func freeze(milliseconds: Int) {
        simulation.verifier.note("\(self.name) is frozen for \(milliseconds) ms")
        isFrozenUntil = simulation.schedule.now + UInt64(milliseconds)
        let patience = Int(simulation.scenario.limits.redisMilliseconds)
        let frozenIn = epoch
        guard milliseconds > patience else { return }
        simulation.schedule.after(patience) { [self] in
            if frozenIn == epoch { lose(leavesGhosts: false) }
        }
    }

    func thaw() { isFrozenUntil = 0 }

    /// Its node is gone.
    func close(leavesGhosts: Bool) {
        isClosed = true
        onLost = {}
        lose(leavesGhosts: leavesGhosts)
    }
}
