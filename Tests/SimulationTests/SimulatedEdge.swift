import Backplane
import Broker

@testable import Reactor

/// One reactor of the edge, with clients whose sockets are simulated, and real logs. It does what EdgeReactor does: the
/// parts are named as its parts are.
final class SimulatedEdge {
    /// Who waits for an answer of the uplink.
    enum Waiting {
        case publish(number: Int, ChannelName, key: String?)
        case session(slot: UInt32, SimulatedOpening)
    }

    unowned let simulation: Simulation
    unowned let node: SimulatedNode
    let index: Int
    let name: String
    let nodeName: String
    private let inbox: Inbox<UplinkReport>
    private var batch: [UplinkReport] = []

    var topics: [ChannelName: SimulatedTopic] = [:]
    /// In the order in which they were made.
    var topicsInOrder: [SimulatedTopic] = []
    var connections: [SimulatedConnection] = []
    var subscriptions = SubscriptionTable()
    var flushQueue: [SimulatedTopic] = []
    var joins: [SimulatedJoin] = []
    var continuations: [SimulatedJoin] = []

    private var waiting: [UInt64: Waiting] = [:]
    private var nextTicket: UInt64 = 0
    private var lastTick = Tick.start
    var nextCheckpoint = 0
    private(set) var isDead = false

    init(_ simulation: Simulation, _ node: SimulatedNode, index: Int, inbox: Inbox<UplinkReport>) {
        self.simulation = simulation
        self.node = node
        self.index = index
        name = "\(node.name).\(index)"
        nodeName = node.name
        self.inbox = inbox
    }

    var limits: Limits { simulation.scenario.limits }

    func note(_ text: @autoclosure @escaping () -> String) {
        let name = name
        simulation.verifier.note("\(name): \(text())")
    }

    /// Whether there is nothing to do for it.
    var isIdle: Bool {
        inbox.count == 0 && flushQueue.isEmpty && waiting.isEmpty && (joins + continuations).allSatisfy(\.isDone)
    }

    // MARK: Turns

    func turn() {
        if !isIntakePaused {
            inbox.take(into: &batch)
            for report in batch { receive(report) }
            batch.removeAll(keepingCapacity: true)
        }
        for connection in connections where connection.isBlocked && connection.room > 0 && !connection.isClosed {
            drain(connection)
        }
        goOnTelling()
        if lastTick != node.currentTick {
            lastTick = node.currentTick
            giveUpJoins(lastTick)
            writeCheckpoints()
        }
        flush()
        answerPolls()
    }

    private var isIntakePaused: Bool {
        flushQueue.first?.log.map { $0.unsentBytes > 4 * $0.windowBytesMax } ?? false
    }

    private func receive(_ report: UplinkReport) {
        switch report {
        case .opened(let channel, let head): opened(channel, head: head)
        case .publication(let channel, let publication): take(publication, in: channel)
        case .ephemeral(let channel, let payload): take(payload, in: channel)
        case .gap(let channel, let from, let to): takeGap(in: channel, from: from, to: to)
        case .moved(let channel, let head): moved(channel, to: head)
        case .recovered(let channel, let page): recovered(channel, page)
        case .published(let ticket, let outcome): answerPublish(ticket, outcome)
        case .session(let ticket, let outcome): answerSession(ticket, outcome)
        case .sessionTaken(let id, let holder): loseSession(id, holder)
        case .sessionForgotten(let id, let holder): saveSessionAgain(id, holder)
        case .refused, .history, .described, .presence, .link, .drain: break
        }
    }

    // MARK: Questions

    func ask(_ waiter: Waiting, _ command: (Ticket) -> UplinkCommand) {
        nextTicket += 1
        waiting[nextTicket] = waiter
        node.post(command(Ticket(reactor: index, number: nextTicket)))
    }

    func takeWaiting(_ ticket: Ticket) -> Waiting? { waiting.removeValue(forKey: ticket.number) }

    func publish(_ payload: Payload, to channel: ChannelName, key: String?) {
        ask(.publish(number: payload.number, channel, key: key)) {
            .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: key))
        }
    }

    private func answerPublish(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>) {
        guard case .publish(let number, let channel, let key)? = takeWaiting(ticket) else { return }
        switch outcome {
        case .success(let position):
            simulation.verifier.acknowledge(number, in: channel, key: key, at: position)
        case .failure: simulation.publishFailed(to: channel, key: key)
        }
    }

    /// The node is gone, and its connections with it.
    func die() {
        isDead = true
        for connection in connections {
            connection.isCut = true
            connection.poll = nil
        }
        for topic in topicsInOrder {
            topic.joins.removeAll()
            topic.polls.removeAll()
        }
        connections.removeAll()
        topics.removeAll()
        topicsInOrder.removeAll()
        waiting.removeAll()
        joins.removeAll()
        continuations.removeAll()
        flushQueue.removeAll()
    }
}
