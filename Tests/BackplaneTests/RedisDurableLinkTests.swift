import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Redis durable link")
struct RedisDurableLinkTests {
    private let redis: FakeRedis
    private let link: RedisDurableLink
    // Behind the link, which does not own it and is let go of first.
    private let seat = ReactorSeat()
    private let told = Told()

    private final class Told {
        var answers: [String] = []

        func take() -> [String] {
            defer { answers = [] }
            return answers
        }
    }

    init() throws {
        redis = try FakeRedis()
        var limits = Limits()
        limits.redisBytesMax = 1_048_576
        let context = RedisContext(limits: limits, nodeID: "a", incarnation: "", keys: RedisKeys())
        let commands = RedisCommandLink(
            address: redis.address,
            context: context,
            claimsFirst: false,
            token: 1,
            seat: seat
        )
        link = RedisDurableLink(commands, context: context)
        link.onPublished = { [told] publication, outcome in
            let answer =
                switch outcome {
                case .success(let position): "\(position)"
                case .failure(let failure): "\(failure)"
                }
            told.answers.append("\(publication.request.ticket.number) \(answer)")
        }
    }

    private func ask(_ number: UInt64, _ text: String = "x") {
        let request = PublishRequest(
            ticket: Ticket(reactor: 0, number: number),
            channel: ChannelName("a")!,
            payload: Payload(kind: .text, bytes: Array(text.utf8)),
            idempotencyKey: nil,
            replicasMin: 1
        )
        link.ask(RedisPublish(request: request))
    }

    private func turn(until isDone: () -> Bool) throws {
        let isReached = eventually {
            link.ready([.read, .write])
            link.endOfTurn()
            redis.receive()
            return isDone()
        }
        try #require(isReached)
    }

    /// Makes the link that was asked for, up to what waits being sent.
    private func greet() throws {
        try redis.accept()
        try turn { redis.received.contains("perseid_version") }
        redis.say([CommandLinkFixture.hello(), ":\(RedisFunctions.version)\r\n", "$0\r\n\r\n"])
        try turn { redis.received.contains("WAIT") }
        _ = redis.take()
    }

    @Test("publications that come while others wait go together, and are answered once replicas have them")
    func together() throws {
        ask(1)
        try greet()
        for number in 2...3 as ClosedRange<UInt64> { ask(number) }
        redis.say(["+PONG\r\n", "5-0".asBulk])
        redis.say([":1\r\n"])
        try turn { !told.answers.isEmpty && redis.received.contains("WAIT") }
        #expect(told.take() == ["1 5-0"])
        #expect(redis.take().count(of: "perseid_publish") == 2)
        redis.say(["+PONG\r\n", "6-0".asBulk, "7-0".asBulk, ":0\r\n"])
        try turn { told.answers.count == 2 }
        #expect(told.take().allSatisfy { $0.contains("NOREPLICAS") })
        #expect(link.isIdle)
    }

    @Test("what waits is bounded in bytes, what is under way and waits for replicas included")
    func bytes() throws {
        let text = String(repeating: "x", count: 16_384)
        ask(0, text)
        try greet()
        redis.say(["+PONG\r\n", "5-0".asBulk])
        try turn { link.unansweredCount { _ in true } == 0 }
        #expect(link.heldByteCount > 16_384, "it is published, and not answered")
        for number in 1...1_000 as ClosedRange<UInt64> { ask(number, text) }
        let refused = told.take()
        #expect(refused.allSatisfy { $0.hasSuffix("overloaded") })
        #expect((930...950).contains(refused.count), "\(1_000 - refused.count) of 16 KiB")
        #expect((1_048_576...1_100_000).contains(link.heldByteCount))
        redis.say([":1\r\n"])
        try turn { !told.answers.isEmpty }
        #expect(told.take() == ["0 5-0"])
        redis.close()
        try turn { told.answers.count == 1_000 - refused.count }
        #expect(link.heldByteCount == 0 && link.isIdle)
    }

    @Test("a link that is ended answers whoever waits, and whoever asks it later, that nobody is there")
    func ended() throws {
        ask(1)
        try greet()
        ask(2)
        link.end()
        #expect(told.take() == ["1 unavailable", "2 unavailable"])
        ask(3)
        #expect(told.take() == ["3 unavailable"])
        #expect(link.isIdle)
    }
}
