import Broker
import Hub

/// A connection of a client to an edge: the edge's side of it, and a socket that holds a limited number of unread bytes.
final class SimulatedConnection {
    let slot: UInt32
    private unowned let simulation: Simulation
    let edge: SimulatedEdge

    // The edge's side
    var firstSubscription = SubscriptionSlot.none
    var subscriptionCount = 0
    var unfinished = SubscriptionSlot.none
    var outbox: [UInt8]?
    var isBlocked = false
    var isClosing = false
    var isShut = false
    var isClosed = false
    var session: SessionLink?
    var poll: SimulatedPoll?

    // The client's side
    /// The session did not know a channel: the subscription begins anew, whether or not the client hears of it.
    var onBeginning: (Int) -> Void = { _ in }
    private(set) var unread: [UInt8] = []
    /// The client went away; the edge finds out later.
    var isAbandoned = false
    /// The node died.
    var isCut = false

    init(_ simulation: Simulation, _ edge: SimulatedEdge, slot: UInt32) {
        self.simulation = simulation
        self.edge = edge
        self.slot = slot
    }

    var room: Int { max(simulation.scenario.socketBytes - unread.count, 0) }

    /// Takes as many bytes as there is room for.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, room)
        unread.append(contentsOf: bytes.prefix(taken))
        return taken
    }

    /// The client reads.
    func read(_ count: Int) -> [UInt8] {
        guard count < unread.count else {
            defer { unread.removeAll() }
            return unread
        }
        defer { unread.removeFirst(count) }
        return Array(unread.prefix(count))
    }
}
