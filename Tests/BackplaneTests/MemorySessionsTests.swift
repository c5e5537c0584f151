import Broker
import Testing

@testable import Backplane

@Suite("Sessions in memory")
struct MemorySessionsTests {
    @Test("what lapsed is forgotten after some rounds, what is held is not")
    func sweep() {
        var sessions = MemorySessions()
        let requests = (0..<1_000).map { _ in sessionRequest(.open) }
        for (number, request) in requests.enumerated() {
            _ = sessions.grant(request, now: 0, lifetime: number % 2 == 0 ? 10 : 1_000)
        }
        for _ in 0..<16 { sessions.sweep(now: 10) }
        #expect(sessions.count == 500)
        let change = MemorySessions.Change(standing: .held, positions: [], notes: nil)
        let kept = sessions.save(requests[1].id, fence: 1, change, now: 10, lifetime: 5)
        #expect(kept == .kept)
        for _ in 0..<16 { sessions.sweep(now: 1_000) }
        #expect(sessions.count == 0)
    }
}
