import Broker
import Hub

/// A connection of a client to an edge: what the edge keeps of it, and a socket that holds a limited number of unread bytes.
final class SimulatedConnection {
    let slot: ClientSlot
    /// Its number among all of the run.
    let number: UInt64
    private unowned let simulation: Simulation
    let edge: SimulatedEdge

    // The edge's side
    /// The hub's part; it stays where it is.
    let client = UnsafeMutablePointer<Client>.allocate(capacity: 1)
    /// Closed before this turn: its slot is free.
    var isBuried = false
    /// The request for a poll that is not answered yet.
    var poll: SimulatedOpening?

    // The client's side
    /// Channels of which neither the client nor its session said where they stand.
    var beginsAnew: Set<ChannelName> = []
    /// The session did not know a channel: the subscription begins anew, whether or not the client hears of it.
    var onBeginning: (ChannelName) -> Void = { _ in }
    private(set) var unread: [UInt8] = []
    /// The client went away; the edge finds out later.
    var isAbandoned = false
    /// The node died.
    var isCut = false

    init(_ simulation: Simulation, _ edge: SimulatedEdge, number: Int) {
        self.simulation = simulation
        self.edge = edge
        self.number = simulation.countConnection()
        slot = ClientSlot(number: UInt32(number))
        client.initialize(to: Client())
    }

    deinit {
        client.deinitialize(count: 1)
        client.deallocate()
    }

    /// A slot has one tenant here.
    var id: ClientID { ClientID(slot: slot, generation: 1) }

    var isOpen: Bool { client.pointee.isOpen && !edge.isDead }
    var isClosed: Bool { client.pointee.isClosed }
    /// All was sent, and the end.
    var isShut: Bool { client.pointee.lifeCycle == .shut }

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
