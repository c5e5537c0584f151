import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Sentinels")
struct RedisSentinelTests {
    private let first: FakeRedis
    private let second: FakeRedis
    private let watch: RedisSentinelWatch
    // Behind the watch, which does not own it and is let go of first.
    private let seat = ReactorSeat()
    private let told = Told()

    private final class Told {
        var found: [String] = []
        var reasons: [String] = []
        var anewCount = 0
        var now = Clock.monotonicNanoseconds
    }

    init() throws {
        first = try FakeRedis()
        second = try FakeRedis()
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        let url =
            "redis+sentinel://:secret@127.0.0.1:\(first.port),127.0.0.1:\(second.port)/main?sentinel-password=other"
        let master = try #require(RedisMaster(url))
        seat.setClock(told.now)
        watch = RedisSentinelWatch(
            try #require(master.sentinels),
            master: master.address,
            limits: limits,
            firstToken: 3,
            seat: seat,
            resolver: HostLookup.askSystem
        )
        watch.onFound = { [told] in told.found.append($0.description) }
        watch.onSetUpAnew = { [told] in told.anewCount += 1 }
        watch.onChange = { [told] in told.reasons.append($0 ?? "up") }
        watch.connect()
    }

    private func advance(milliseconds: UInt64 = 250) {
        told.now += milliseconds * 1_000_000
        seat.setClock(told.now)
        if let tick = seat.advanceClock() { watch.tick(tick) }
        turn()
    }

    private func turn() {
        for token in 0..<UInt64(RedisSentinelWatch.linksMax) { watch.ready(token: token, [.read, .write]) }
        watch.endOfTurn()
    }

    /// Takes the connection that comes to it, and what it says first.
    private func accept(_ sentinel: FakeRedis) throws -> String {
        let isThere = eventually {
            advance()
            return !sentinel.isLeftAlone(accepting: true)
        }
        try #require(isThere, "nobody connects")
        _ = eventually {
            turn()
            sentinel.receive()
            return sentinel.received.contains("SUBSCRIBE")
        }
        return sentinel.take()
    }

    private func hear(_ sentinel: FakeRedis, _ replies: [String], until isDone: () -> Bool) -> Bool {
        sentinel.say(replies)
        return eventually {
            turn()
            return isDone()
        }
    }

    /// Waits until it is asked where the master is, and returns what else it is asked.
    private func question(_ sentinel: FakeRedis) -> String {
        _ = eventually {
            turn()
            sentinel.receive()
            return sentinel.received.contains("GET-MASTER-ADDR-BY-NAME")
                && sentinel.received.contains("+config-update-from")
        }
        return sentinel.take()
    }

    private static func list(_ words: [String]) -> String { "*\(words.count)\r\n" + words.map(\.asBulk).joined() }

    private static func acks(_ kind: String) -> String {
        ["+switch-master", "+promoted-slave", "+config-update-from"]
            .map { "*3\r\n" + kind.asBulk + $0.asBulk + ":1\r\n" }.joined()
    }

    /// What one says of the master; where it is, the facts say late.
    private static func answer(_ port: Int, epoch: Int, others: Int = 1) -> [String] {
        let facts = ["name", "main", "ip", "10.0.0.1", "port", "1", "config-epoch", "\(epoch)"]
        return [
            list(facts + ["num-other-sentinels", "\(others)"]), list(["10.0.0.1", "\(port)"]), acks("subscribe"),
        ]
    }

    private static func hello(_ port: Int, epoch: Int, others: Int = 1) -> [String] {
        ["+OK\r\n", "*0\r\n"] + answer(port, epoch: epoch, others: others)
    }

    private static func again(_ port: Int, epoch: Int, others: Int = 1) -> [String] {
        [acks("unsubscribe")] + answer(port, epoch: epoch, others: others)
    }

    @Test("each is told who it is there, asked where the master is and who else knows, and listened to")
    func greeting() throws {
        for sentinel in [first, second] {
            let text = try accept(sentinel)
            #expect(text.contains("AUTH".asBulk + "other".asBulk) && !text.contains("secret"))
            for words in ["MASTER".asBulk + "main".asBulk, "SENTINELS".asBulk, "SUBSCRIBE".asBulk] {
                #expect(text.contains(words))
            }
            #expect(hear(sentinel, Self.hello(7_000, epoch: 1)) { told.reasons.last == "up" })
        }
        #expect(
            eventually {
                turn()
                return watch.reachedCount == 2
            }
        )
        #expect(Set(told.found) == ["10.0.0.1:7000"])
    }

    @Test(
        "whichever tells first that something happened to the master is asked at once; another master's fate is not ours"
    )
    func move() throws {
        for sentinel in [first, second] {
            _ = try accept(sentinel)
            sentinel.say(Self.hello(7_000, epoch: 1))
        }
        #expect(
            eventually {
                turn()
                return watch.reachedCount == 2
            }
        )
        let before = told.found.count
        let other = Self.list(["message", "+switch-master", "other 10.0.0.1 7000 10.0.0.1 7001"])
        let promoted = Self.list([
            "message", "+promoted-slave", "slave 10.0.0.1:7001 10.0.0.1 7001 @ main 10.0.0.1 7000",
        ])
        second.say([other, promoted])
        #expect(question(second).count(of: "UNSUBSCRIBE") == 1)
        #expect(hear(second, Self.again(7_001, epoch: 2)) { told.found.count > before })
        #expect(told.found.last == "10.0.0.1:7001")
        #expect(first.takeNow().count(of: "UNSUBSCRIBE") == 0)
    }

    @Test("one that was cut off and knows the master of before is not believed")
    func stale() throws {
        _ = try accept(first)
        #expect(hear(first, Self.hello(7_001, epoch: 5)) { !told.found.isEmpty })
        _ = try accept(second)
        second.say(Self.hello(7_000, epoch: 4))
        #expect(
            eventually {
                turn()
                return watch.reachedCount == 2
            }
        )
        #expect(told.found == ["10.0.0.1:7001"])
    }

    /// Both know one place, are lost, and come back as they do who were set up anew.
    private func setUpAnew(others: Int) throws {
        for sentinel in [first, second] {
            _ = try accept(sentinel)
            sentinel.say(Self.hello(7_001, epoch: 5))
        }
        #expect(waitForBoth())
        for sentinel in [first, second] { sentinel.close() }
        for sentinel in [first, second] {
            _ = try accept(sentinel)
            sentinel.say(Self.hello(7_002, epoch: 0, others: others))
        }
        #expect(waitForBoth())
        #expect(told.found.last == "10.0.0.1:7001")
    }

    private func waitForBoth() -> Bool {
        eventually {
            turn()
            return watch.reachedCount == 2
        }
    }

    /// Lets time go by, and has each answer what it is asked then. Returns how many were asked where the master is.
    private func goOn(milliseconds: UInt64, _ firstReplies: [String], _ secondReplies: [String]) -> Int {
        var askedCount = 0
        advance(milliseconds: milliseconds)
        let isAnswered = eventually {
            for (sentinel, replies) in [(first, firstReplies), (second, secondReplies)] {
                let text = sentinel.takeNow()
                if text.contains("PING") { sentinel.say("+PONG\r\n") }
                guard text.contains("GET-MASTER-ADDR-BY-NAME") else { continue }
                askedCount += 1
                sentinel.say(replies)
            }
            turn()
            return watch.answeredCount == 2
        }
        #expect(isAnswered)
        return askedCount
    }

    @Test(
        "Sentinels that were set up anew count from the beginning: most are believed that stay with what they say as they are asked again",
        arguments: [0, 1]
    )
    func anew(others: Int) throws {
        try setUpAnew(others: others)
        let again = Self.again(7_002, epoch: 0, others: others)
        #expect(goOn(milliseconds: 250, again, again) == 2)
        #expect(goOn(milliseconds: 2_500, again, again) == 0)
        #expect(told.found.last == "10.0.0.1:7001", "those who have not heard of a failover have their time")
        #expect(goOn(milliseconds: 750, again, again) == 0)
        #expect(told.found.last == "10.0.0.1:7002" && told.anewCount == 1)
        second.say(Self.list(["message", "+switch-master", "main 10.0.0.1 7002 10.0.0.1 7003"]))
        _ = question(second)
        #expect(hear(second, Self.again(7_003, epoch: 1)) { told.found.last == "10.0.0.1:7003" })
    }

    @Test("what fewer than most Sentinels say anew is not believed")
    func tooFew() throws {
        try setUpAnew(others: 3)
        for milliseconds in [250, 2_500, 750] as [UInt64] { #expect(goOn(milliseconds: milliseconds, [], []) == 0) }
        #expect(told.found.last == "10.0.0.1:7001" && told.anewCount == 0)
    }

    @Test("what one Sentinel says otherwise, as it is asked again, keeps the others from being believed")
    func onlyLate() throws {
        try setUpAnew(others: 1)
        let (older, newer) = (Self.again(7_002, epoch: 0), Self.again(7_001, epoch: 5))
        #expect(goOn(milliseconds: 250, older, newer) == 2)
        for milliseconds in [2_500, 750, 2_500] as [UInt64] {
            #expect(goOn(milliseconds: milliseconds, older, newer) == 0)
        }
        #expect(told.found.last == "10.0.0.1:7001" && told.anewCount == 0)
    }

    @Test("when what is named does not work all are asked again, one question at a time")
    func doubt() throws {
        for sentinel in [first, second] {
            _ = try accept(sentinel)
            sentinel.say(Self.hello(7_000, epoch: 1))
        }
        #expect(
            eventually {
                turn()
                return watch.reachedCount == 2
            }
        )
        watch.doubt()
        watch.doubt()
        for sentinel in [first, second] {
            let text = question(sentinel)
            #expect(text.count(of: "UNSUBSCRIBE") == 1 && text.count(of: "GET-MASTER-ADDR-BY-NAME") == 1)
        }
        let before = told.found.count
        #expect(hear(second, Self.again(7_001, epoch: 1)) { told.found.count > before })
        #expect(told.reasons.allSatisfy { $0 == "up" })
    }

    @Test(
        "what is no use of a Sentinel ends the link to it",
        arguments: [
            ["+OK\r\n", "*0\r\n", "-ERR No such master with that name\r\n"],
            ["+OK\r\n", "*0\r\n", "*-1\r\n"], ["+OK\r\n", "*0\r\n", ":1\r\n"], ["-WRONGPASS no\r\n"],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "-1"])],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "1"]), "*-1\r\n"],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "1"]), list(["h"])],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "1"]), list(["h", "0"])],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "1"]), list(["h", "70000"])],
            ["+OK\r\n", "*0\r\n", list(["config-epoch", "1"]), list(["", "1"])],
            hello(1, epoch: 1) + ["+PONG\r\n"],
        ]
    )
    func useless(replies: [String]) throws {
        _ = try accept(first)
        #expect(hear(first, replies) { told.reasons.contains { $0 != "up" } })
    }

    @Test("the others that one tells of are heard, too; not thousands of them")
    func others() throws {
        let third = try FakeRedis()
        _ = try accept(first)
        let many = (1...10_000).map { Self.list(["ip", "127.0.0.1", "port", "\($0 + 40_000)"]) }
        let lies = "*\(many.count + 1)\r\n" + Self.list(["ip", "127.0.0.1", "port", "\(third.port)"]) + many.joined()
        #expect(hear(first, ["+OK\r\n", lies] + Self.answer(7_000, epoch: 1)) { !told.found.isEmpty })
        #expect(watch.placeCount == 32)
        _ = try accept(third)
        #expect(hear(third, Self.hello(7_001, epoch: 2)) { told.found.last == "10.0.0.1:7001" })
    }

    @Test("one that falls silent is not waited for")
    func silence() throws {
        _ = try accept(first)
        #expect(hear(first, Self.hello(7_000, epoch: 1)) { !told.reasons.isEmpty })
        for _ in 0..<80 where !told.reasons.contains(where: { $0.contains("no answer") }) { advance() }
        #expect(told.reasons.contains { $0.contains("no answer") })
    }
}
