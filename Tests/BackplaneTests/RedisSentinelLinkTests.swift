import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Link to a Sentinel")
struct RedisSentinelLinkTests {
    private let first: FakeRedis
    private let second: FakeRedis
    private let link: RedisSentinelLink
    // Behind the link, which does not own it and is let go of first.
    private let seat = ReactorSeat()
    private let told = Told()

    private final class Told {
        var found: [String] = []
        var reasons: [String] = []
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
        link = RedisSentinelLink(
            try #require(master.sentinels),
            master: master.address,
            limits: limits,
            token: 3,
            seat: seat,
            resolver: HostLookup.askSystem
        )
        link.onFound = { [told] in told.found.append($0.description) }
        link.onChange = { [told] in told.reasons.append($0 ?? "up") }
        link.connect()
    }

    /// Whichever of the two it came to: it begins anywhere.
    private func accept() throws -> FakeRedis {
        var found: FakeRedis?
        let isThere = eventually {
            advance()
            found = [first, second].first { !$0.isLeftAlone(accepting: true) }
            return found != nil
        }
        try #require(isThere, "nobody connects")
        let sentinel = try #require(found)
        _ = eventually {
            link.ready(.write)
            link.endOfTurn()
            sentinel.receive()
            return sentinel.received.contains("SENTINEL")
        }
        return sentinel
    }

    private func advance(milliseconds: UInt64 = 250) {
        told.now += milliseconds * 1_000_000
        seat.setClock(told.now)
        if let tick = seat.advanceClock() { link.tick(tick) }
        link.endOfTurn()
    }

    private func hear(_ sentinel: FakeRedis, _ replies: [String], until isDone: () -> Bool) {
        sentinel.say(replies)
        _ = eventually {
            link.ready([.read, .write])
            link.endOfTurn()
            return isDone()
        }
    }

    private static func list(_ words: [String]) -> String { "*\(words.count)\r\n" + words.map(\.asBulk).joined() }

    private static func master(_ port: Int, epoch: Int) -> String {
        list(["name", "main", "ip", "10.0.0.1", "port", "\(port)", "flags", "master", "config-epoch", "\(epoch)"])
    }

    private static let subscribed = "*3\r\n" + "subscribe".asBulk + "+switch-master".asBulk + ":1\r\n"
    private static let unsubscribed = "*3\r\n" + "unsubscribe".asBulk + "+switch-master".asBulk + ":0\r\n"

    private static func greeting(_ port: Int, epoch: Int) -> [String] {
        ["+OK\r\n", "*0\r\n", master(port, epoch: epoch), subscribed]
    }

    @Test("it says who it is there, asks where the master is and who else knows, and listens")
    func greeting() throws {
        let sentinel = try accept()
        let text = sentinel.take()
        #expect(text.contains("AUTH".asBulk + "other".asBulk) && !text.contains("secret"))
        for words in ["MASTER".asBulk + "main".asBulk, "SENTINELS".asBulk, "SUBSCRIBE".asBulk] {
            #expect(text.contains(words))
        }
        hear(sentinel, Self.greeting(7_000, epoch: 1)) { !told.reasons.isEmpty }
        #expect(told.found == ["10.0.0.1:7000"] && told.reasons == ["up"])
    }

    @Test("a master that moves is asked for anew, for the message does not say how new it is")
    func move() throws {
        let sentinel = try accept()
        hear(sentinel, Self.greeting(7_000, epoch: 1)) { !told.reasons.isEmpty }
        _ = sentinel.take()
        let message = Self.list(["message", "+switch-master", "other 10.0.0.1 7000 10.0.0.1 7001"])
        let ours = Self.list(["message", "+switch-master", "main 10.0.0.1 7000 10.0.0.1 7001"])
        sentinel.say([message, ours])
        _ = eventually {
            link.ready([.read, .write])
            link.endOfTurn()
            sentinel.receive()
            return sentinel.received.contains("MASTER".asBulk)
        }
        #expect(sentinel.received.count(of: "UNSUBSCRIBE") == 1, "another master's move is not ours")
        hear(sentinel, [Self.unsubscribed, Self.master(7_001, epoch: 2), Self.subscribed]) { told.found.count == 2 }
        #expect(told.found.last == "10.0.0.1:7001")
    }

    @Test("a Sentinel that was cut off and knows the master of before is left for another")
    func stale() throws {
        let one = try accept()
        hear(one, Self.greeting(7_001, epoch: 5)) { !told.reasons.isEmpty }
        one.close()
        _ = eventually {
            link.ready([.read, .write])
            return told.reasons.count == 2
        }
        let other = try accept()
        #expect(other !== one)
        hear(other, ["+OK\r\n", "*0\r\n", Self.master(7_000, epoch: 4)]) { told.reasons.count == 3 }
        #expect(told.found == ["10.0.0.1:7001"])
        let again = try accept()
        #expect(again === one)
    }

    @Test(
        "what is named and does not work is asked for again, and after some times another Sentinel is, without a word in the log"
    )
    func doubt() throws {
        let one = try accept()
        hear(one, Self.greeting(7_000, epoch: 1)) { !told.reasons.isEmpty }
        for _ in 1...3 {
            _ = one.takeNow()
            link.doubt()
            link.doubt()
            #expect(
                eventually {
                    link.endOfTurn()
                    one.receive()
                    return one.received.contains("MASTER".asBulk)
                }
            )
            #expect(one.received.count(of: "UNSUBSCRIBE") == 1, "one question at a time")
            hear(one, [Self.unsubscribed, Self.master(7_000, epoch: 1), Self.subscribed]) {
                told.reasons.last == "up" && link.isAnswered
            }
        }
        link.doubt()
        let other = try accept()
        #expect(other !== one && told.reasons.allSatisfy { $0 == "up" })
    }

    @Test(
        "what is no use of a Sentinel is left for the next",
        arguments: [
            ["+OK\r\n", "*0\r\n", "-ERR No such master with that name\r\n"],
            ["+OK\r\n", "*0\r\n", "*-1\r\n"], ["+OK\r\n", "*0\r\n", ":1\r\n"], ["-WRONGPASS no\r\n"],
            ["+OK\r\n", "*0\r\n", "*2\r\n$2\r\nip\r\n$1\r\nx\r\n"], ["+OK\r\n", "*0\r\n", "*0\r\n"],
            ["+OK\r\n", "*0\r\n", list(["ip", "h", "port", "0", "config-epoch", "1"])],
            ["+OK\r\n", "*0\r\n", list(["ip", "h", "port", "70000", "config-epoch", "1"])],
            ["+OK\r\n", "*0\r\n", list(["ip", "", "port", "1", "config-epoch", "1"])],
            ["+OK\r\n", "*0\r\n", list(["ip", "h", "port", "1", "config-epoch", "-1"])],
            ["+OK\r\n", "*0\r\n", master(1, epoch: 1), subscribed, "+PONG\r\n"],
        ]
    )
    func useless(replies: [String]) throws {
        let one = try accept()
        hear(one, replies) { told.reasons.contains { $0 != "up" } }
        #expect(try accept() !== one)
    }

    @Test("what others a Sentinel tells of are tried, too; not thousands of them")
    func others() throws {
        let third = try FakeRedis()
        let one = try accept()
        let many = (1...10_000).map { Self.list(["ip", "127.0.0.1", "port", "\($0 + 40_000)"]) }
        let lies = "*\(many.count + 1)\r\n" + Self.list(["ip", "127.0.0.1", "port", "\(third.port)"]) + many.joined()
        hear(one, ["+OK\r\n", lies, Self.master(7_000, epoch: 1), Self.subscribed]) { !told.reasons.isEmpty }
        #expect(link.placeCount == 32)
    }

    @Test("a Sentinel that falls silent is left for the next")
    func silence() throws {
        let one = try accept()
        hear(one, Self.greeting(7_000, epoch: 1)) { !told.reasons.isEmpty }
        for _ in 0..<80 where told.reasons.count == 1 { advance() }
        #expect(told.reasons.count == 2 && told.reasons[1].contains("no answer"))
        #expect(try accept() !== one)
    }
}
