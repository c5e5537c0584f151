import TestRandomness
import Testing

@testable import Backplane

@Suite("Subscribers of a channel by reactor")
struct SubscriberCountsTests {
    @Test("each reactor's number is its own, in whatever order they come and go")
    func numbers() {
        var counts = SubscriberCounts()
        var truth: [Int: Int] = [:]
        var random = SeededGenerator(seed: 7)
        for _ in 0..<10_000 {
            let (reactor, count) = (Int.random(in: 0..<4, using: &random), Int.random(in: 0..<3, using: &random))
            counts[reactor] = count
            truth[reactor] = count
            #expect((0..<4).allSatisfy { counts[$0] == truth[$0, default: 0] })
            #expect(counts.total == truth.values.reduce(0, +))
        }
    }

    @Test("a channel with subscribers at one reactor takes no memory beside its own")
    func size() {
        #expect(MemoryLayout<SubscriberCounts>.size == 13)
    }
}
