import Backplane
import Broker
import Hub
import Wire

@testable import Reactor

/// One reactor of the edge around a real hub: its clients' sockets are simulated. What is the edge's own and not its hub's,
/// it does as EdgeReactor does.
final class SimulatedEdge {
    /// Who waits for an answer of the uplink.
    enum Waiting {
        case publish(number: Int, ChannelName, key: String?)
        case session(SimulatedConnection, SimulatedOpening)
    }

    unowned let simulation: Simulation
    unowned let node: SimulatedNode
    let index: Int
    let name: String
    let nodeName: String
    let hub: Hub<SimulatedEdge>
    private let inbox: Inbox<UplinkReport>
    private var batch: [UplinkReport] = []

    /// By slot.
    var connections: [SimulatedConnection] = []
    /// What is sent to members of a feed at the end of a quantum.
    var staged: [(member: SubscriptionSlot, bytes: UnsafeRawBufferPointer)] = []
    /// How often the clock was looked at in this turn, and what that takes.
    var clockLooks: UInt64 = 0
    var lookNanoseconds: UInt64 = 0

    private var waiting: [UInt64: Waiting] = [:]
    private var nextTicket: UInt64 = 0
    private var lastTick = Tick.start
    private var nextCheckpoint = 0
    private(set) var isDead = false

    init(_ simulation: Simulation, _ node: SimulatedNode, index: Int, inbox: Inbox<UplinkReport>) {
        self.simulation = simulation
        self.node = node
        self.index = index
        name = "\(node.name).\(index)"
        nodeName = node.name
        self.inbox = inbox
        let scenario = simulation.scenario
        hub = Hub(limits: scenario.limits, reactorCount: scenario.reactorCount, metrics: HubMetrics())
        hub.attach(to: self)
    }

    func note(_ text: @autoclosure @escaping () -> String) {
        let name = name
        simulation.verifier.note("\(name): \(text())")
    }

    /// Whether there is nothing to do for it.
    var isIdle: Bool { inbox.count == 0 && hub.isIdle && waiting.isEmpty }

    // MARK: Turns

    func turn() {
        beginSlice()
        inbox.take(into: &batch)
        for report in batch { receive(report) }
        batch.removeAll(keepingCapacity: true)
        for connection in connections where connection.client.pointee.isBlocked && connection.room > 0 {
            if !connection.isClosed { hub.drain(connection.slot) }
        }
        if lastTick != node.currentTick {
            lastTick = node.currentTick
            writeCheckpoints()
            if simulation.scenario.compresses { writeHeartbeats() }
        }
        _ = hub.releaseDue()
        _ = hub.flush()
        checkMemory()
        _ = hub.finishReadyJoins()
        _ = hub.giveUpDueJoins()
        _ = hub.answerDuePolls()
        for connection in connections where connection.poll != nil {
            _ = hub.answerPollIfDue(of: connection.slot)
        }
        hub.tellCounts()
        for connection in connections where connection.isClosed { connection.isBuried = true }
    }

    /// A turn has time for all, or for a few steps.
    private func beginSlice() {
        clockLooks = 0
        let most = simulation.scenario.stepsPerSliceMax
        let slice = simulation.scenario.limits.fanoutSliceMicroseconds * 1_000
        lookNanoseconds = most == 0 ? 0 : slice / UInt64(simulation.random.number(1...most))
    }

    private func receive(_ report: UplinkReport) {
        switch report {
        case .opened(let channel, let head):
            note("\(channel) is open at \(head)")
            hub.opened(channel, head: head)
        case .publication(let channel, let publication):
            note("\(channel) \(publication.position): \(publication.payload.number)")
            hub.take(sabotaged(publication, of: channel), in: channel)
        case .ephemeral(let channel, let payload): hub.take(payload, in: channel)
        case .gap(let channel, let from, let to):
            note("\(channel): gap from \(from) to \(to)")
            hub.takeGap(in: channel, from: from, to: to)
        case .moved(let channel, let head):
            note("\(channel) moved to \(head)")
            hub.moved(channel, to: head)
        case .recovered(let channel, let page): hub.recovered(channel, sabotaged(page, of: channel))
        case .published(let ticket, let outcome): answerPublish(ticket, outcome)
        case .session(let ticket, let outcome): answerSession(ticket, outcome.map(\.positions))
        case .sessionTaken(let id, let holder, let taking):
            hub.loseSession(id, of: connections[Int(holder.connection)].id, taking)
        case .sessionForgotten(let id, let holder):
            hub.saveSessionAgain(id, of: connections[Int(holder.connection)].id)
        case .found(let channel, let pattern):
            note("\(channel) is found by \(pattern)")
            hub.found(channel, by: pattern)
        case .behind(let channel): hub.behind(channel)
        case .refused, .history, .described, .presence, .visited, .settled, .sessionChanged, .identified, .hooked,
            .spent, .accessChanged, .certificatesChanged, .ticketsShared, .asked, .revoked, .controlled, .inherited,
            .link, .drain:
            break
        }
    }

    /// Without its key it takes the place of whatever is held back.
    private func sabotaged(_ publication: Publication, of channel: ChannelName) -> Publication {
        guard simulation.sabotage == .holdsBackOneKey, simulation.isKeyed(channel) else { return publication }
        let payload = Payload(kind: .text, bytes: publication.payload.bytes)
        return Publication(position: publication.position, previous: publication.previous, payload: payload)
    }

    private func sabotaged(_ page: HistoryPage, of channel: ChannelName) -> HistoryPage {
        note("\(channel) from \(page.since!): \(page.publications.map(\.position)) to \(page.head)")
        guard simulation.sabotage == .hidesGaps, let since = page.since, let first = page.publications.first else {
            return page
        }
        let joined = Publication(position: first.position, previous: since, payload: first.payload)
        return HistoryPage(
            since: since,
            publications: [joined] + page.publications.dropFirst(),
            head: page.head,
            hasMore: page.hasMore,
            floor: page.floor.map { _ in since }
        )
    }

    /// I5: besides what was not sent yet, a log keeps no more than its window and the frame that reaches into it.
    private func checkMemory() {
        for topic in hub.topics.values {
            for feed in topic.feeds {
                let kept = feed.keptBytes - feed.unsentBytes
                simulation.verifier.expect(
                    kept <= feed.windowBytesMax + Scenario.frameBytesMax,
                    .memory,
                    "\(name): \(topic.name) keeps \(kept) bytes with a window of \(feed.windowBytesMax)"
                )
            }
        }
    }

    private func writeCheckpoints() {
        guard !connections.isEmpty else { return }
        for _ in 0...connections.count / 3 {
            nextCheckpoint = (nextCheckpoint + 1) % connections.count
            let connection = connections[nextCheckpoint]
            if !connection.isClosed { _ = hub.checkpoint(connection.slot) }
        }
    }

    /// What is a stream's own stands between what it shares with others.
    private func writeHeartbeats() {
        hub.weighAll()
        for connection in connections where (connection.number + UInt64(lastTick.number)) % 8 == 0 {
            guard !connection.isClosed, !connection.client.pointee.isBlocked, connection.isOpen,
                let encoding = connection.client.pointee.encoding,
                [.eventStream, .jsonStream].contains(encoding.carrier)
            else { continue }
            var output = ByteBuffer()
            encoding.appendHeartbeat(to: &output)
            hub.write(connection.slot, output.bytes)
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
        for connection in connections { connection.isCut = true }
        // Each holds its edge.
        connections.removeAll()
        waiting.removeAll()
    }
}
