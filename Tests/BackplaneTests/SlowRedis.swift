import Broker

@testable import Backplane
@testable import Reactor

/// One Redis that is slow, and nodes that hear channels of it, on a clock of the test's own.
///
/// It does as Redis does: takes what all connections have sent, works all of that off, be the connections alive or not, and answers then.
final class SlowRedis {
    private struct Work {
        let node: Int
        let connection: Int
        let answer: String
    }

    private(set) var nodes: [Node] = []
    private let channelsOfEach: Int
    private let commandsPerTick: Int
    private var now: UInt64 = 0
    private var round: [Work] = []
    private var doneCount = 0

    /// Commands that it worked off.
    private(set) var workedCount = 0

    init(nodes count: Int, channelsOfEach: Int, commandsPerTick: Int, _ limits: Limits) throws {
        self.channelsOfEach = channelsOfEach
        self.commandsPerTick = commandsPerTick
        for number in 0..<count {
            let node = try Node(number, limits)
            for channel in 0..<channelsOfEach { node.link.subscribe(ChannelName("c\(channel)")!) }
            nodes.append(node)
        }
        now = Clock.monotonicNanoseconds
    }

    /// Whether all nodes hear all of their channels.
    var isHeard: Bool { nodes.allSatisfy { $0.link.isUp && $0.heardCount == channelsOfEach } }

    /// A quarter of a second goes by.
    func tick() {
        now += 250_000_000
        for node in nodes { node.tick(now) }
        var budget = commandsPerTick
        while budget > 0 {
            if round.isEmpty { takeRound() }
            if round.isEmpty { return }
            let count = min(budget, round.count - doneCount)
            (budget, doneCount, workedCount) = (budget - count, doneCount + count, workedCount + count)
            if doneCount == round.count { endRound() }
        }
    }

    private func takeRound() {
        doneCount = 0
        for (index, node) in nodes.enumerated() {
            round += node.takeAnswers().map { Work(node: index, connection: $0.connection, answer: $0.text) }
        }
    }

    private func endRound() {
        for (index, node) in nodes.enumerated() {
            node.hear(round.filter { $0.node == index && $0.connection == node.connection }.map(\.answer))
        }
        round = []
    }

    /// A node's link that hears, and the other end of it.
    final class Node {
        let link: RedisSubscriptionLink
        private let redis: FakeRedis
        // Behind the link, which does not own it and is let go of first.
        private let seat = ReactorSeat()
        private var answers: [(connection: Int, text: String)] = []

        /// The number of its connection.
        private(set) var connection = 0
        private(set) var losses = 0

        /// Channels that it hears.
        private(set) var heardCount = 0

        init(_ number: Int, _ limits: Limits) throws {
            redis = try FakeRedis()
            seat.setClock(Clock.monotonicNanoseconds)
            link = RedisSubscriptionLink(
                address: redis.address,
                limits: limits,
                nodeID: "n\(number)",
                token: 1,
                seat: seat
            )
            link.onSubscribed = { [unowned self] _ in heardCount += 1 }
            link.onChange = { [unowned self] in if $0 != nil { lose() } }
            link.connect()
        }

        private func lose() {
            losses += 1
            heardCount = 0
        }

        func tick(_ now: UInt64) {
            seat.setClock(now)
            if let tick = seat.advanceClock() { link.tick(tick) }
            collect()
            if !redis.isLeftAlone(accepting: true) { connection += 1 }
            hear([])
        }

        /// What is to be answered of what was sent since it was last asked.
        func takeAnswers() -> [(connection: Int, text: String)] {
            collect()
            defer { answers = [] }
            return answers
        }

        func hear(_ texts: [String]) {
            redis.say(texts)
            link.endOfTurn()
            link.ready([.read, .write])
            link.endOfTurn()
        }

        private func collect() {
            for line in redis.takeNow().utf8.split(separator: UInt8(ascii: "\n")) {
                let word = String(Substring(line.dropLast()))
                if word == "PING" { answers.append((connection, "*2\r\n$4\r\npong\r\n$0\r\n\r\n")) }
                guard word.hasPrefix("perseid:") else { continue }
                answers.append((connection, "*3\r\n" + "subscribe".asBulk + word.asBulk + ":1\r\n"))
            }
        }
    }
}
