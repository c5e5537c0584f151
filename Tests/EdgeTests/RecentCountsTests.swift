import Testing

@testable import Edge

@Suite("Recent counts")
struct RecentCountsTests {
    @Test("a key has so many in two periods together, and anew once those are over")
    func periods() {
        var counts = RecentCounts<Int>()
        #expect(counts.add(1, countMax: 2))
        counts.turn()
        #expect(counts.add(1, countMax: 2))
        #expect(!counts.add(1, countMax: 2))
        #expect(counts.add(2, countMax: 2))
        counts.turn()
        #expect(counts.add(1, countMax: 2))
        #expect(!counts.add(1, countMax: 2))
        counts.turn()
        counts.turn()
        #expect(counts.add(1, countMax: 1))
    }

    @Test("past a ceiling new keys are let through and cost no memory; those that are known are counted on")
    func ceiling() {
        var counts = RecentCounts<Int>()
        for key in 0..<RecentCounts<Int>.keysMax { #expect(counts.add(key, countMax: 2)) }
        for _ in 0..<10 { #expect(counts.add(-1, countMax: 2)) }
        #expect(counts.add(0, countMax: 2))
        #expect(!counts.add(0, countMax: 2))
        counts.turn()
        for _ in 0..<2 { #expect(counts.add(-1, countMax: 2)) }
        #expect(!counts.add(-1, countMax: 2))
    }
}
