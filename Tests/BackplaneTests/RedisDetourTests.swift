import Broker
import Testing

@testable import Backplane

@Suite("Detours of a Redis Cluster")
struct RedisDetourTests {
    private func command(_ number: UInt64, _ channel: String = "news") -> RedisPublish {
        RedisPublish(request: request(channel, number: number))
    }

    private func numbers(_ commands: [any RedisCommand]) -> [UInt64] {
        commands.compactMap { ($0 as? RedisPublish)?.request.ticket.number }
    }

    private func describe(_ step: RedisDetour.Step) -> String {
        switch step {
        case .wait: "wait"
        case .giveUp(let commands): "give up \(numbers(commands))"
        case .attempt(let command): "attempt \(numbers([command]))"
        case .clear(let commands): "clear \(numbers(commands))"
        }
    }

    @Test("what was sent before comes back first; one tries the way, the others follow in order")
    func order() {
        var detour = RedisDetour(beganAt: 0, unansweredCount: 3)
        detour.takeBack(command(1))
        #expect(describe(detour.next()) == "wait")
        detour.hold(command(4))
        detour.takeBack(command(2))
        detour.takeBack(command(3))
        #expect(describe(detour.next()) == "attempt [1]")
        detour.hold(command(5))
        #expect(describe(detour.next()) == "wait" && detour.isTrying)
        detour.takeAnswer(to: command(1))
        #expect(describe(detour.next()) == "clear [2, 3, 4, 5]")
    }

    @Test("who tries the way and comes back is the first again")
    func again() {
        var detour = RedisDetour(beganAt: 0, unansweredCount: 1)
        detour.takeBack(command(1))
        detour.hold(command(2))
        for _ in 0..<3 {
            #expect(describe(detour.next()) == "attempt [1]")
            detour.takeBack(command(1))
        }
        #expect(describe(detour.next()) == "attempt [1]")
        detour.takeAnswer(to: command(1))
        #expect(describe(detour.next()) == "clear [2]")
    }

    @Test("what came back is not done behind what was sent after it in its channel and was done")
    func overtaken() {
        var detour = RedisDetour(beganAt: 0, unansweredCount: 4)
        detour.takeBack(command(1))
        detour.takeBack(command(2, "other"))
        detour.takeAnswer(to: command(3))
        detour.takeBack(command(4, "third"))
        #expect(describe(detour.next()) == "give up [1]")
        #expect(describe(detour.next()) == "attempt [2]")
        detour.takeAnswer(to: command(2, "other"))
        #expect(describe(detour.next()) == "clear [4]")
    }

    @Test("with nothing that waits the way is clear")
    func empty() {
        var detour = RedisDetour(beganAt: 0, unansweredCount: 1)
        #expect(describe(detour.next()) == "wait")
        detour.takeAnswer(to: command(1))
        #expect(describe(detour.next()) == "clear []")
        #expect(detour.count == 0)
    }

    @Test("slots are those of Redis")
    func slots() {
        // CLUSTER KEYSLOT of 7.0.15 said so.
        #expect(RedisSlot.of("foo") == 12_182 && RedisSlot.of("perseid:{foo}:head") == 12_182)
        #expect(RedisSlot.of("123456789") == 12_739 && RedisSlot.of("") == 0)
        #expect(RedisSlot.of("{}foo") == RedisSlot.of("{}foo") && RedisSlot.of("a{}b") != RedisSlot.of(""))
        #expect(RedisSlot.of("{a}{foo}") == RedisSlot.of("a") && RedisSlot.of("x{foo") != 12_182)
    }

    @Test("redirects are read as Redis writes them, and nothing else is taken for one")
    func redirects() {
        func read(_ text: String) -> RedisRedirect? { RedisRedirect(RedisErrorReply(text: text)) }
        let place = RedisPlace(host: "10.0.0.1", port: 7)
        #expect(read("MOVED 3999 10.0.0.1:7") == .moved(slot: 3_999, place))
        #expect(read("MOVED 0 :7") == .moved(slot: 0, RedisPlace(host: "", port: 7)))
        #expect(read("MOVED 0 ::1:7") == .moved(slot: 0, RedisPlace(host: "::1", port: 7)))
        #expect(read("ASK 3999 10.0.0.1:7") == .ask(place))
        #expect(read("TRYAGAIN Multiple keys request during rehashing of slot") == .tryAgain)
        #expect(read("CLUSTERDOWN Hash slot not served") == .down)
        #expect(read("ERR Script attempted to access a non local key in a cluster node script: x") == .tryAgain)
        for text in [
            "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED 1 h", "MOVED 1 h:0", "MOVED 1 h:99999",
            "ASK 1", "OOM", "",
        ] {
            #expect(read(text) == nil, "\(text)")
        }
    }
}
