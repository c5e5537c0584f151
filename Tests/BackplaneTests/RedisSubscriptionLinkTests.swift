import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Redis subscription link")
struct RedisSubscriptionLinkTests {
    private let redis: FakeRedis
    private let link: RedisSubscriptionLink
    // Behind the link, which does not own it and is let go of first.
    private let seat = ReactorSeat()
    private let told = Told()

    private final class Told {
        var subscribed: [String] = []
        var refused: [String] = []
        var reasons: [String] = []
        var ownHeard: [String] = []
    }

    init() throws {
        redis = try FakeRedis()
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        link = RedisSubscriptionLink(address: redis.address, limits: limits, nodeID: "a", token: 2, seat: seat)
        link.onSubscribed = { [told] in told.subscribed.append($0.text) }
        link.onRefused = { [told] channel, _ in told.refused.append(channel.text) }
        link.onChange = { [told] in told.reasons.append($0 ?? "up") }
        link.onOwnHeard = { [told] in told.ownHeard.append($0) }
        link.connect()
        try redis.accept()
        link.ready(.write)
    }

    /// The acknowledgements of a channel, or of the node's own.
    private func ack(_ channel: String, _ kind: String = "subscribe") -> String {
        "*3\r\n" + kind.asBulk + channel.asBulk + ":1\r\n"
    }

    /// The acknowledgements of the node's own channels.
    private var ownAcks: String {
        ack(RedisKeys().node("a")) + ack(RedisKeys().nodes) + ack(RedisKeys().incarnation("", of: "a"))
    }

    private func key(_ channel: String) -> String { RedisKeys().channel(ChannelName(channel)!) }

    private func reply(_ replies: [String]) {
        link.endOfTurn()
        redis.receive()
        redis.say(replies)
        link.ready([.read, .write])
        link.endOfTurn()
    }

    private func sent() -> String {
        link.endOfTurn()
        return redis.take()
    }

    private static let pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    private static let forbidden =
        "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n"

    @Test(
        "a Redis that takes no writes, and says so when it is asked for a sign of life, is heard all the same",
        arguments: ["MISCONF it cannot save", "LOADING it is loading"]
    )
    func alive(_ error: String) throws {
        link.subscribe(ChannelName("a")!)
        reply([ownAcks, "-\(error)\r\n"])
        reply([ack(key("a"))])
        #expect(told.reasons == ["up"] && told.subscribed == ["a"])
        #expect(link.isUp)
    }

    @Test("one forbidden channel among many is found by halves and refused alone; the rest is heard, the link stays")
    func forbidden() throws {
        for number in 0..<8 { link.subscribe(ChannelName("c\(number)")!) }
        reply([ownAcks, Self.pong])
        #expect(told.reasons == ["up"])
        #expect(sent().count(of: "SUBSCRIBE") == 2, "the node's own, and all eight")
        // Of eight the sixth: four are fine, then two and two, then one and one.
        reply([Self.forbidden])
        #expect(sent().count(of: "SUBSCRIBE") == 2)
        reply((0..<4).map { ack(key("c\($0)")) } + [Self.forbidden])
        reply([Self.forbidden, ack(key("c6")), ack(key("c7"))])
        reply([ack(key("c4")), Self.forbidden])
        #expect(told.refused == ["c5"])
        #expect(Set(told.subscribed) == ["c0", "c1", "c2", "c3", "c4", "c6", "c7"])
        #expect(told.reasons == ["up"] && link.isUp)
    }

    @Test("a user that may not hear even its own channel has a link of no use, and is told why")
    func forbiddenControl() throws {
        reply([Self.forbidden])
        #expect(told.reasons.count == 1 && told.reasons[0].contains("NOPERM"))
    }

    @Test(
        "acknowledgements and answers of nothing that was asked end the link",
        arguments: [
            "*3\r\n$9\r\nsubscribe\r\n$11\r\nperseid:{b}\r\n:1\r\n",
            "*3\r\n$11\r\nunsubscribe\r\n$11\r\nperseid:{a}\r\n:1\r\n",
            "+OK\r\n", ":7\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n",
            "*1\r\n$9\r\nsubscribe\r\n",
        ]
    )
    func lies(reply text: String) throws {
        link.subscribe(ChannelName("a")!)
        reply([ownAcks, Self.pong])
        reply([text])
        #expect(told.reasons.count == 2 && told.subscribed == [])
        #expect(!link.isUp)
    }

    @Test(
        "what is said to nodes and is heard here from now on is told of, for it was missed while it moved; not what leaves"
    )
    func ownHeard() throws {
        reply([ownAcks, Self.pong])
        #expect(told.reasons == ["up"] && told.ownHeard == [], "whoever hears of the link asks")
        let own = [RedisKeys().node("a"), RedisKeys().nodes, RedisKeys().incarnation("", of: "a")]
        link.hear(own: [own[0], own[2]])
        reply([ack(own[1], "unsubscribe")])
        #expect(told.ownHeard == [])
        link.hear(own: own)
        reply([ack(own[1])])
        #expect(told.ownHeard == [own[1]] && link.isUp)
    }

    @Test("it is up once all that was wanted is heard, and names leave in batches")
    func batches() throws {
        for number in 0..<1_000 { link.subscribe(ChannelName("c\(number)")!) }
        redis.close()
        hear(link, until: { told.reasons.count == 1 })
        #expect(told.reasons.count == 1)
        link.connect()
        try redis.accept()
        link.ready(.write)
        reply([ownAcks, Self.pong])
        #expect(!link.isUp)
        var names = sent().asked
        #expect(names.count == 512)
        while !names.isEmpty {
            #expect(!link.isUp)
            reply(names.prefix(400).map { ack($0) })
            names.removeFirst(min(400, names.count))
            names += redis.takeNow().asked
        }
        #expect(link.isUp && told.subscribed.count == 1_000)
        for number in 0..<1_000 { link.unsubscribe(ChannelName("c\(number)")!) }
        let leaving = sent()
        #expect(leaving.count(of: "UNSUBSCRIBE") == 1 && leaving.asked.count == 512)
    }
}

extension String {
    /// The names of channels in commands.
    fileprivate var asked: [String] {
        split(separator: "\r\n").filter { $0.hasPrefix("perseid:{") }.map(String.init)
    }
}
