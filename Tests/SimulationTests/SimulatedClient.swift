import Broker
import Hub
import Wire

/// A client: connects to some node, reads when it likes, answers pings, subscribes and unsubscribes, and comes back after
/// a loss with what it has. What it is sent is checked message by message.
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
    /// How its messages come: as they are published on a connection of its own, or one answer at a time.
    let carrier: CarrierID
    /// What it can inflate.
    private let form: Encoding.Form
    var connection: SimulatedConnection?
    private(set) var connectionNumber = 0
    private(set) var wanted: [ChannelName]
    var token: SimulatedToken?
    var standings: [Int: Standing] = [:]
    /// Where it stands as it was told in one text: a stream comes back with that, and a poll asks on from there.
    var cursor: String?

    private var reader: MessageReader
    private var isWelcome = false
    private var comesBackAt: UInt64 = 0
    /// A stream has the channels that it asked for when it began, and begins anew for others.
    private var asked: [ChannelName] = []
    /// The node that answered last, as the load balancer's cookie has it.
    var lastNode: String?
    /// The head of the answer to a poll, once it is there.
    var status: Int?
    var tokenOfAnswer = 0
    /// When what it sent last reaches the edge.
    private var reachesEdgeAt: UInt64 = 0

    private static let carriers: [CarrierID] = [.webSocket, .webSocket, .webSocket, .eventStream, .jsonStream, .poll]

    init(_ simulation: Simulation, number: Int) {
        self.simulation = simulation
        self.number = number
        let drawn = simulation.random.element(of: Self.carriers)!
        // The streams that are no event stream have one behaviour, and three ways to be written.
        carrier = drawn == .jsonStream ? [.jsonStream, .multipart, .frame][number % 3] : drawn
        form = Self.form(of: carrier, number, simulation.scenario)
        reader = MessageReader(carrier, form)
        memory = carrier == .poll ? .both : simulation.random.element(of: [.cursor, .token, .both])!
        wanted = simulation.channels.filter { _ in simulation.random.once(in: 2) }
        if carrier == .poll, wanted.isEmpty { wanted = [simulation.channels[number % simulation.channels.count]] }
    }

    private static func form(of carrier: CarrierID, _ number: Int, _ scenario: Scenario) -> Encoding.Form {
        let plain = Encoding.Form.plain(isChunked: false)
        guard scenario.compresses else { return plain }
        if carrier == .webSocket { return [.deflated, .deflated, .deflatedAlone, plain, .deflatedNarrow][number % 5] }
        return carrier == .poll ? plain : [.body(.gzip), .body(.deflate), .body(.gzip), plain][number % 4]
    }

    var isPolling: Bool { carrier == .poll }
    private var isTwoWay: Bool { carrier == .webSocket }

    func note(_ text: @autoclosure @escaping () -> String) {
        let number = number
        simulation.verifier.note("client \(number): \(text())")
    }

    // MARK: Coming and going

    /// Connects, reads, and goes on.
    func step() {
        guard let connection else {
            if simulation.schedule.now >= comesBackAt, isTwoWay || !wanted.isEmpty { connect() }
            return
        }
        let isSlow = number % 2 == 0 && simulation.random.once(in: simulation.scenario.slowClientOnceIn)
        read(isSlow ? simulation.random.number(0...200) : connection.unread.count)
        guard self.connection === connection else { return }
        if connection.isCut || connection.isClosed || connection.isShut, connection.unread.isEmpty {
            return leave(connection)
        }
        if isTwoWay, isWelcome { changeSubscriptions() }
        if !isTwoWay, !isPolling, asked != wanted { leave(connection) }
    }

    private func connect() {
        guard let node = simulation.random.element(of: simulation.nodes),
            let edge = simulation.random.element(of: node.edges)
        else { return }
        let connection = edge.accept()
        self.connection = connection
        connectionNumber += 1
        let current = connectionNumber
        connection.onBeginning = { [unowned self] in
            standings[simulation.number(of: $0)]?.begunAnew.insert(current)
        }
        reader = MessageReader(carrier, form)
        isWelcome = false
        asked = wanted
        status = nil
        reachesEdgeAt = 0
        var opening = makeOpening()
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
        note("connects to \(edge.name) as \(connection.slot.number) with \(opening.cursor.mapValues { "\($0)" })")
        let request = opening
        send { edge.open(connection, request) }
    }

    private func makeOpening() -> SimulatedOpening {
        let session: SimulatedOpening.Session =
            switch memory {
            case .cursor: .none
            case .token, .both: token.map { .known($0) } ?? .new(simulation.makeToken())
            }
        let cursor = memory == .token ? [:] : ownCursor
        var opening = SimulatedOpening(carrier: carrier, channels: wanted, cursor: cursor, session: session)
        opening.form = form
        opening.pace = simulation.scenario.keyed.pace(of: number)
        return opening
    }

    /// What it says of where it stands. Who is told that in one text has nothing else.
    private var ownCursor: [ChannelName: Position] {
        var positions: [ChannelName: Position] = [:]
        if isTwoWay {
            for channel in simulation.channels {
                positions[channel] = standings[simulation.number(of: channel)]?.reached
            }
            return positions
        }
        positions = told(cursor)
        for channel in simulation.channels {
            let number = simulation.number(of: channel)
            // Who wanted it not any more forgets it.
            if !wanted.contains(channel) { positions[channel] = nil }
            standings[number]?.reached = positions[channel]
        }
        return positions
    }

    /// Goes away without a word, to come back at once or later; the edge finds out later still.
    func leave(_ connection: SimulatedConnection) {
        note("leaves \(connection.slot.number)")
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

    /// Wants a channel from now on, or no longer. A session of a stream goes on with all it had.
    func toggle(_ channel: ChannelName) {
        if let place = wanted.firstIndex(of: channel) {
            if isTwoWay || memory == .cursor { wanted.remove(at: place) }
        } else if !isPolling {
            wanted.append(channel)
        }
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

    /// Has its stream end in order, if it has one, and reads all of it.
    func endStream() {
        guard let connection, !isTwoWay, !isPolling, connection.isOpen else { return }
        connection.edge.hub.sayBye(connection.slot, .renewed, afterMilliseconds: 0)
        read(connection.unread.count)
    }

    private func read(_ count: Int) {
        guard let connection, count > 0 else { return }
        do {
            try reader.append(connection.read(count))
            if isPolling { return try readAnswer(connection, &reader) }
            while self.connection === connection, let told = try reader.next() {
                take(told.message, connection)
                if let text = told.cursor, text != cursor, text.first != "!", !text.isEmpty { take(cursor: text) }
            }
        } catch {
            simulation.verifier.fail(
                .order,
                "client \(number) was sent bytes that are no message: \(carrier.carrier.name), \(form)"
            )
            leave(connection)
        }
    }

    private func take(_ message: Message, _ connection: SimulatedConnection) {
        switch message {
        case .welcome(let number):
            isWelcome = true
            if number > 0 { token = simulation.tokens[number] }
        case .ping(let payload):
            if simulation.random.once(in: simulation.scenario.pongLostOnceIn) { return }
            send { connection.edge.confirm(connection, payload) }
        case .bye(let code):
            note("is told \(code)")
            if code == 4_003 { token = nil }
            if code == 4_008, isTwoWay { send { connection.edge.confirmFarewell(connection) } }
            takeLeave(of: connection)
        default: check(message)
        }
    }
}
