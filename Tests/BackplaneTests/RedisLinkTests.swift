import Broker
import Foundation
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

    @Test("of bulk requests a few are under way, in order, and a publish passes those that wait")
    func bulk() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        let address = try #require(RedisAddress("redis://127.0.0.1:\(listener.port)"))
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        var limits = Limits()
        limits.redisBulkMax = 4
        let link = RedisCommandLink(address: address, limits: limits, nodeID: "a", token: 1, seat: seat)
        var answers: [String] = []
        link.onAnswer = { request, outcome in
            guard case .save(_, let fence, _, _) = request else { return answers.append("other") }
            answers.append((try? outcome.get()) == nil ? "\(fence) failed" : "\(fence)")
        }
        var waiting = 0
        link.onWaiting = { waiting = $0 }
        link.connect()
        var accepted: Socket?
        #expect(
            eventually {
                if case .accepted(let socket, _) = listener.accept() { accepted = socket }
                return accepted != nil
            }
        )
        let redis = try #require(accepted)
        let received = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { received.deallocate() }
        /// What Redis got since it was last asked, as how often words are in it.
        func count(_ words: [String]) -> [Int] {
            link.endOfTurn()
            var text = ""
            _ = eventually {
                if case .moved(let count) = redis.receive(into: received) {
                    text += String(decoding: UnsafeRawBufferPointer(rebasing: received[..<count]), as: UTF8.self)
                }
                return !text.isEmpty
            }
            return words.map { text.components(separatedBy: $0).count - 1 }
        }
        func reply(_ text: String) {
            _ = Array(text.utf8).withUnsafeBytes { redis.send($0) }
            link.ready(.read)
        }
        link.ready(.write)
        #expect(count(["perseid_version"]) == [1])
        reply(":\(RedisFunctions.version)\r\n")
        #expect(count(["perseid_live"]) == [1])
        reply(":1\r\n")
        try #require(link.isUp)

        let session = sessionRequest(.open).id
        for fence in 1...10 as ClosedRange<UInt64> { link.ask(.save(session, fence: fence, .held, [])) }
        link.ask(.publish(request("a")))
        #expect(count(["perseid_session_save", "perseid_publish"]) == [4, 1])
        #expect(waiting == 6)
        reply(":1\r\n:1\r\n")
        #expect(answers == ["1", "2"])
        #expect(count(["perseid_session_save"]) == [2])
        #expect(waiting == 4)
        redis.close()
        link.ready(.read)
        #expect(
            answers == ["1", "2"] + ["3 failed", "4 failed", "other", "5 failed", "6 failed"]
                + (7...10).map { "\($0) failed" }
        )
        #expect(waiting == 0)
    }

    private func eventually(_ attempt: () -> Bool) -> Bool {
        let end = Clock.monotonicNanoseconds + 10_000_000_000
        while Clock.monotonicNanoseconds < end { if attempt() { return true } }
        return false
    }
}
