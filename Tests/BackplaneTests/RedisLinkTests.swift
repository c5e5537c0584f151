import Broker
import Foundation
import Synchronization
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Redis link")
struct RedisLinkTests {
    @Test("an end that comes together with the last reply is noticed with it: nobody tells of it again")
    func endBehindReply() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        let address = try #require(RedisAddress("redis://127.0.0.1:\(listener.port)"))
        // The link does not own its seat.
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        let link = RedisLink(address: address, limits: Limits(), token: 1, seat: seat)
        var replies: [String] = []
        var losses = 0
        link.onReply = { replies.append($0.text) }
        link.onLost = { _ in losses += 1 }
        link.connect()
        var accepted: Socket?
        #expect(
            eventually {
                if case .accepted(let socket, _) = listener.accept() { accepted = socket }
                return accepted != nil
            }
        )
        let redis = try #require(accepted)
        link.ready(.write)
        try #require(link.isConnected)

        _ = Array("+PONG\r\n".utf8).withUnsafeBytes { redis.send($0) }
        redis.close()
        // On loopback both are there once close returns. Each readiness is told once, so the link has one chance.
        link.ready(.read)
        #expect(replies == ["PONG"])
        #expect(losses == 1)
    }

    @Test("a hundred thousand arguments are one command: nothing is done once more for each of them on the stack")
    func manyArguments() throws {
        let redis = try FakeRedis()
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        let link = RedisLink(address: redis.address, limits: Limits(), token: 1, seat: seat)
        link.send(["DEL"] + (0..<100_000).map { .text("\($0)") })
        #expect(link.unsentByteCount > 1_000_000)
    }

    @Test(
        "an answer without an end drops the link, whatever length it was announced with",
        arguments: ["$2147483647\r\n", "+", "*1000000\r\n$2000000\r\n", "*2\r\n*2\r\n$536870912\r\n"]
    )
    func endless(start: String) throws {
        let redis = try FakeRedis()
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        var limits = Limits()
        limits.redisReplyBytesMax = 1_048_576
        let link = RedisLink(address: redis.address, limits: limits, token: 1, seat: seat)
        var reasons: [String] = []
        link.onLost = { reasons.append($0) }
        link.connect()
        try redis.accept()
        link.ready(.write)
        redis.say(start)
        let piece = String(repeating: "x", count: 65_536)
        for _ in 0..<40 where reasons.isEmpty {
            redis.say(piece)
            link.ready(.read)
        }
        #expect(reasons.count == 1)
        #expect(reasons[0].hasSuffix("an answer of more than 1048576 bytes"))
    }

    @Test(
        "an array of more elements than any answer has is not made room for",
        arguments: ["*2147483647\r\n", "*1\r\n*1048577\r\n", "*1048576\r\n*1\r\n"]
    )
    func hugeArrays(start: String) throws {
        let reader = RedisReader(replyBytesMax: 1_048_576)
        let problem = Array(start.utf8).withUnsafeBytes { reader.feed($0) { _ in true } }
        #expect(problem == "not an answer of Redis: Out of memory")
    }

    @Test("many small elements cost more than their bytes, and are bounded with them")
    func manyElements() throws {
        let reader = RedisReader(replyBytesMax: .max)
        func feed(_ text: String) -> String? { Array(text.utf8).withUnsafeBytes { reader.feed($0) { _ in true } } }
        #expect(feed("*7\r\n") == nil)
        let array = "*150000\r\n" + String(repeating: ":1\r\n", count: 150_000)
        let problems = (0..<7).map { _ in feed(array) }
        #expect(problems.contains("not an answer of Redis: Out of memory"))
    }

    @Test("addresses are tried in turn, then asked for anew; a silent name server stops nothing")
    func addresses() throws {
        let (dead, alive) = (try FakeRedis(), try FakeRedis())
        let deadPort = dead.port
        let lookups = Lock<[String]>([])
        let mayAnswer = DispatchSemaphore(value: 0)
        let endpoints = [deadPort, alive.port].compactMap { HostLookup.endpoint(number: "127.0.0.1", port: $0) }
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        let address = try #require(RedisAddress("redis://redis.example"))
        let link = RedisLink(address: address, limits: limits, token: 1, seat: seat) { host, _ in
            lookups.withLock { $0.append(host) }
            mayAnswer.wait()
            return .success(endpoints)
        }
        var reasons: [String] = []
        link.onLost = { reasons.append($0) }
        var now: UInt64 = Clock.monotonicNanoseconds
        func wait(milliseconds: UInt64) {
            for _ in 0..<(milliseconds / 250) {
                now += 250_000_000
                seat.setClock(now)
                if let tick = seat.advanceClock() { link.tick(tick) }
            }
        }
        link.connect()
        wait(milliseconds: 10_000)
        #expect(Set(reasons) == ["redis.example:6379: no name server says where redis.example is"])
        #expect(lookups.withLock { $0.count } <= 1, "one question, however long it takes")

        mayAnswer.signal()
        #expect(
            eventually {
                wait(milliseconds: 250)
                return link.endpoint != nil
            }
        )
        #expect(link.endpoint == endpoints[0])
        link.fail("no use")
        wait(milliseconds: 500)
        #expect(link.endpoint == endpoints[1])
        #expect(lookups.withLock { $0.count } == 1)
        link.fail("no use")
        wait(milliseconds: 500)
        #expect(eventually { lookups.withLock { $0.count } == 2 }, "after a round the name is asked for anew")
        mayAnswer.signal()
    }

    @Test("a name without an address is told as such")
    func noAddress() throws {
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        let address = try #require(RedisAddress("redis://redis.example"))
        let link = RedisLink(address: address, limits: Limits(), token: 1, seat: seat) { host, _ in
            .failure(HostLookupError(description: "\(host) has no address: unknown"))
        }
        var reasons: [String] = []
        link.onLost = { reasons.append($0) }
        link.connect()
        // The clock stands still, so it cannot be late.
        let isTold = eventually {
            link.tick(seat.currentTick)
            return !reasons.isEmpty
        }
        #expect(isTold)
        #expect(reasons == ["redis.example:6379: redis.example has no address: unknown"])
    }
}
