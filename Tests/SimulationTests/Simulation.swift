import Broker

/// A cluster of nodes, its masters of Redis, its clients and its faults, in one thread and out of one seed.
final class Simulation {
    let random: SeededRandom
    let schedule = Schedule()
    let verifier: Verifier
    let sabotage: Sabotage?
    var scenario: Scenario
    let channels: [ChannelName]
    private(set) var masters: [SimulatedRedis] = []
    private(set) var nodes: [SimulatedNode] = []
    private(set) var clients: [SimulatedClient] = []
    var watchers: [SimulatedWatcher] = []
    private(set) var tokens: [Int: SimulatedToken] = [:]

    private let numbers: [ChannelName: Int]
    private var tokenNumbers: [SessionID: Int] = [:]
    private var connectionsCounted: UInt64 = 0
    private var nodesStarted = 0
    private var lastNumber = 0

    init(seed: UInt64, sabotage: Sabotage? = nil) throws {
        random = SeededRandom(seed: seed)
        scenario = Scenario(random, seed: seed)
        verifier = Verifier(schedule: schedule)
        self.sabotage = sabotage
        channels = (0..<scenario.channelCount).map { ChannelName("c\($0)")! }
        numbers = Dictionary(uniqueKeysWithValues: channels.enumerated().map { ($1, $0) })
        masters = (0..<scenario.masterCount).map { SimulatedRedis(self, number: $0) }
        for _ in 0..<scenario.nodeCount { try startNode() }
        clients = (0..<scenario.clientCount).map { SimulatedClient(self, number: $0) }
    }

    /// Runs it to its end, or to the first violation.
    func run() throws {
        defer { takeApart() }
        for _ in 0..<scenario.stepCount where verifier.violations.isEmpty {
            schedule.advance(by: random.number(0...30))
            try act()
            turn()
        }
        try settle()
    }

    /// One turn for everybody who is awake.
    func turn() {
        for node in nodes {
            node.setClock()
            for edge in node.edges where !random.once(in: scenario.edgeSleepsOnceIn) { edge.turn() }
            if !random.once(in: scenario.uplinkSleepsOnceIn) { node.turn() }
        }
        for client in clients { client.step() }
        for watcher in watchers { watcher.step() }
        watchers.removeAll(where: \.isGone)
    }

    private func takeApart() {
        schedule.removeAll()
        for node in nodes { node.end(inOrder: false) }
        nodes.removeAll()
        clients.removeAll()
        watchers.removeAll()
        schedule.removeAll()
    }

    // MARK: What everybody asks

    func number(of channel: ChannelName) -> Int { numbers[channel]! }

    /// The masters share the channels, and the sessions.
    func master(of channel: ChannelName) -> SimulatedRedis { masters[number(of: channel) % masters.count] }
    func master(of session: SessionID) -> SimulatedRedis { masters[(tokenNumbers[session] ?? 0) % masters.count] }

    /// One that something happens to.
    var anyMaster: SimulatedRedis { masters.count == 1 ? masters[0] : random.element(of: masters)! }

    func head(of channel: ChannelName) -> Position { master(of: channel).head(of: channel) }

    /// The channel that tells who is there.
    var presentChannel: ChannelName { channels[0] }

    /// The number of the token of a session.
    func token(of session: SessionID) -> Int? { tokenNumbers[session] }

    func countConnection() -> UInt64 {
        connectionsCounted += 1
        return connectionsCounted
    }

    /// A time on the way: mostly short.
    func drawDelay() -> Int {
        let most = scenario.delayMax
        if most == 0 { return 0 }
        return random.once(in: 10) ? random.number(0...most * 4) : random.number(0...most)
    }

    func makeToken() -> SimulatedToken {
        var random = random
        let number = tokens.count + 1
        let secret = SecretHash(
            (0..<4).map { _ in UInt8(truncatingIfNeeded: random.next()) } + [UInt8](repeating: 0, count: 28)
        )
        let token = SimulatedToken(number: number, id: SessionID(using: &random), secret: secret)
        tokens[number] = token
        tokenNumbers[token.id] = number
        verifier.remember(token.id, secret: secret)
        return token
    }

    func makePayload(for channel: ChannelName) -> Payload {
        lastNumber += 1
        let key = scenario.keyed.key(of: lastNumber, in: number(of: channel))
        return Payload(number: lastNumber, paddingWords: random.number(0...12), key: key)
    }

    func isKeyed(_ channel: ChannelName) -> Bool { scenario.keyed.isKeyed(number(of: channel)) }

    // MARK: Nodes

    func startNode() throws {
        nodesStarted += 1
        nodes.append(try SimulatedNode(self, name: "n\(nodesStarted)"))
    }

    func endNode(inOrder: Bool) {
        guard !nodes.isEmpty else { return }
        nodes.remove(at: random.number(0...nodes.count - 1)).end(inOrder: inOrder)
    }

    /// A publisher asks again where it got no answer, with its key.
    func publishFailed(to channel: ChannelName, key: String?) {
        guard let key else { return }
        schedule.after(random.number(10...500)) { [self] in publish(to: channel, key: key) }
    }

    func publish(to channel: ChannelName, key: String?) {
        guard let node = random.element(of: nodes), let edge = random.element(of: node.edges) else { return }
        edge.publish(makePayload(for: channel), to: channel, key: key)
    }
}
