import Testing

@testable import Reactor

@Suite("Ready set")
struct ReadySetTests {
    @Test("tells each token once with all that it is ready for, in order, up to the last of them")
    func tells() {
        var ready = ReadySet()
        #expect(ready.isEmpty)
        for token in [127, 0, 15, 16, 64] as [UInt64] { ready.insert(token, .read) }
        ready.insert(16, .write)
        var other = ReadySet()
        other.insert(17, .failed)
        other.insert(0, .read)
        ready.formUnion(other)
        var told: [UInt64: Readiness] = [:]
        var order: [UInt64] = []
        ready.forEach { token, readiness in
            told[token] = readiness
            order.append(token)
        }
        #expect(order == [0, 15, 16, 17, 64, 127])
        #expect(told[16] == [.read, .write])
        #expect(told[17] == .failed && told[127] == .read && told[0] == .read)
        #expect(ready[1].isEmpty)
        #expect(MemoryLayout<ReadySet>.size == 64)
    }

    @Test("tokens of shared descriptors and a reactor's own are apart")
    func tokens() {
        for token in [0, 1, 127] as [UInt64] {
            #expect(PollerToken.sharedToken(PollerToken.shared(token)) == token)
            #expect(PollerToken.shared(token) >= Reactor<Int>.reservedTokens)
        }
        #expect(PollerToken.sharedToken(PollerToken.wakeup) == nil)
        #expect(PollerToken.sharedToken(Reactor<Int>.reservedTokens - 1) == nil)
    }
}
