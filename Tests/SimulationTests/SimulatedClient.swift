import Broker

/// A client: connects to some node, reads when it likes, answers pings, subscribes and unsubscribes, and comes back after
/// a loss with what it has. What it is sent is checked frame by frame.
final class SimulatedClient {
    /// What it shows when it comes back.
    enum Memory {
        case cursor
        case token
        case both
    }

    let number: Int
    unowned let simulation: Simulation
    let memory: Memory
    /// Whether it asks again and again, for one channel, instead of being sent what comes.
    let isPolling: Bool
    var connection: SimulatedConnection?
    private(set) var connectionNumber = 0
    private(set) var wanted: [ChannelName]
    var token: SimulatedToken?
    var standings: [Int: Standing] = [:]

    private var reader = MessageReader()
    private var isWelcome = false
    private var comesBackAt: UInt64 = 0
    /// The answer to a poll as far as it is there.
    var answer: [Message] = []
    /// The node that answered last, as the load balancer's cookie has it.
    var lastNode: String?
    /// When what it sent last reaches the edge.
    private var reachesEdgeAt: UInt64 = 0

    init(_ simulation: Simulation, number: Int) {
        self.simulation = simulation
        self.number = number
        isPolling = simulation.random.once(in: 4)
        memory = isPolling ? .both : simulation.random.element(of: [.cursor, .token, .both])!
        wanted = simulation.channels.filter { _ in simulation.random.once(in: 2) }
        if isPolling { wanted = [simulation.channels[number % simulation.channels.count]] }
    }

    func note(_ text: @autoclosure @escaping () -> String) {
        let number = number
        simulation.verifier.note("client \(number): \(text())")
    }

    // MARK: Coming and going

    /// Connects, reads, and goes on.
    func step() {
        guard let connection else {
            if simulation.schedule.now >= comesBackAt { connect() }
            return
        }
        let isSlow = number % 2 == 0 && simulation.random.once(in: simulation.scenario.slowClientOnceIn)
        read(isSlow ? simulation.random.number(0...200) : connection.unread.count)
        guard self.connection === connection else { return }
        if connection.isCut || connection.isClosed || connection.isShut, connection.unread.isEmpty {
            return leave(connection)
        }
        if isWelcome { changeSubscriptions() }
    }

    private func connect() {
        guard let node = simulation.random.element(of: simulation.nodes),
            let edge = simulation.random.element(of: node.edges)
        else { return }
        let connection = edge.accept()
        self.connection = connection
        connectionNumber += 1
        let current = connectionNumber
        connection.onBeginning = { [unowned self] in standings[$0]?.begunAnew.insert(current) }
        reader = MessageReader()
        isWelcome = false
        answer.removeAll()
        reachesEdgeAt = 0
        var opening = makeOpening()
        opening.isPoll = isPolling
        opening.isAffine = lastNode == node.name
        let isNew = if case .new = opening.session { true } else { false }
        for channel in simulation.channels {
            let place = simulation.number(of: channel)
            let isWanted = wanted.contains(channel)
            let state = standings[place]?.state
            let isForgotten = isNew || !isWanted || state == .leaving || state == .idle
            if memory == .token, isForgotten { standings[place]?.reached = nil }
            standings[place, default: Standing()].begin(since: opening.cursor[channel], isAsked: isWanted)
        }
        note("connects to \(edge.name) as \(connection.slot) with \(opening.cursor.mapValues { "\($0)" })")
        let request = opening
        send { edge.open(connection, request) }
    }

    private func makeOpening() -> SimulatedOpening {
        var cursor: [ChannelName: Position] = [:]
        if memory != .token {
            for channel in simulation.channels { cursor[channel] = standings[simulation.number(of: channel)]?.reached }
        }
        let session: SimulatedOpening.Session =
            switch memory {
            case .cursor: .none
            case .token, .both: token.map { .known($0) } ?? .new(simulation.makeToken())
            }
        return SimulatedOpening(channels: wanted, cursor: cursor, session: session)
    }

    /// Goes away without a word, to come back at once or later; the edge finds out later still.
    func leave(_ connection: SimulatedConnection) {
        note("leaves \(connection.slot)")
        self.connection = nil
        comeBack(within: simulation.random.once(in: 2) ? 0 : 600)
        abandon(connection)
    }

    /// Its connection was ended in order.
    func takeLeave(of connection: SimulatedConnection) {
        self.connection = nil
        comeBack(within: 300)
        simulation.schedule.after(simulation.random.number(5...100)) { [self] in abandon(connection) }
    }

    private func comeBack(within milliseconds: Int) {
        comesBackAt = simulation.schedule.now + UInt64(simulation.random.number(0...milliseconds))
    }

    private func abandon(_ connection: SimulatedConnection) {
        guard !connection.isAbandoned else { return }
        connection.isAbandoned = true
        let edge = connection.edge
        let longest = simulation.random.once(in: 3) ? 3_000 : 50
        simulation.schedule.after(simulation.random.number(0...longest)) { edge.close(connection) }
    }

    /// Has something reach the edge, behind what was sent before.
    private func send(_ action: @escaping () -> Void) {
        guard let connection else { return }
        reachesEdgeAt = max(reachesEdgeAt, simulation.schedule.now + UInt64(simulation.random.number(0...5)))
        simulation.schedule.at(reachesEdgeAt) {
            if !connection.isCut, !connection.isAbandoned { action() }
        }
    }

    // MARK: Subscriptions

    /// Wants a channel from now on, or no longer.
    func toggle(_ channel: ChannelName) {
        if isPolling { return }
        if let place = wanted.firstIndex(of: channel) { wanted.remove(at: place) } else { wanted.append(channel) }
    }

    private func changeSubscriptions() {
        guard let connection else { return }
        for channel in simulation.channels {
            let place = simulation.number(of: channel)
            var standing = standings[place, default: Standing()]
            let isWanted = wanted.contains(channel)
            if isWanted, standing.state == .idle {
                if memory == .token { standing.reached = nil }
                let since = standing.reached
                standing.ask(since: since)
                send { connection.edge.subscribe(connection, to: channel, since: since) }
            } else if !isWanted, standing.state == .joining || standing.state == .subscribed {
                standing.state = .leaving
                send { connection.edge.unsubscribe(connection, from: channel) }
            } else {
                continue
            }
            standings[place] = standing
        }
    }

    // MARK: Reading

    private func read(_ count: Int) {
        guard let connection, count > 0 else { return }
        reader.append(connection.read(count))
        do {
            while self.connection === connection, let message = try reader.next() { take(message, connection) }
        } catch {
            simulation.verifier.fail(.order, "client \(number) was sent bytes that are no frame")
            leave(connection)
        }
    }

    private func take(_ message: Message, _ connection: SimulatedConnection) {
        if isPolling { return takePolled(message, connection) }
        switch message {
        case .welcome(let number):
            isWelcome = true
            if number > 0 { token = simulation.tokens[number] }
        case .ping(let number):
            if simulation.random.once(in: simulation.scenario.pongLostOnceIn) { return }
            send { connection.edge.confirm(connection, number) }
        case .bye(let code):
            note("is told \(code)")
            if code == 4_003 { token = nil }
            if code == 4_008 { send { connection.edge.confirmFarewell(connection) } }
            takeLeave(of: connection)
        default: check(message)
        }
    }
}
