import Testing

@testable import Edge

@Suite("Recent counts")
struct RecentCountsTests {
    /// Which of some keys were let through, in their order.
    private func add(_ keys: [Int], to counts: inout RecentCounts<Int>) -> [Bool] {
        keys.map { counts.add($0, countMax: 2) }
    }

    @Test("a key has so many in two periods together, and anew once those are over")
    func periods() {
        var counts = RecentCounts<Int>()
        let first = add([1], to: &counts)
        counts.turn()
        let second = add([1, 1, 2], to: &counts)
        counts.turn()
        let third = add([1, 1], to: &counts)
        #expect(first == [true])
        #expect(second == [true, false, true])
        #expect(third == [true, false])
    }

    @Test("past a ceiling new keys are let through and cost no memory; those that are known are counted on")
    func ceiling() {
        var counts = RecentCounts<Int>()
        let known = add(Array(0..<RecentCounts<Int>.keysMax), to: &counts)
        let unknown = add([-1, -1, -1, -1], to: &counts)
        let again = add([0, 0], to: &counts)
        counts.turn()
        let later = add([-1, -1, -1], to: &counts)
        #expect(known.allSatisfy { $0 } && unknown.allSatisfy { $0 })
        #expect(again == [true, false])
        #expect(later == [true, true, false])
    }
}
