import Broker
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

    private func eventually(_ attempt: () -> Bool) -> Bool {
        let end = Clock.monotonicNanoseconds + 10_000_000_000
        while Clock.monotonicNanoseconds < end { if attempt() { return true } }
        return false
    }
}
