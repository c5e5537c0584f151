import Testing

@testable import Broker

@Suite("Objects by their channel")
struct ChannelTableTests {
    private final class Thing: OfChannel {
        let name: ChannelName
        init(_ name: ChannelName) { self.name = name }
    }

    private func name(_ number: Int) -> ChannelName { ChannelName("c/\(number)")! }

    @Test("what comes and goes in any order is found as in a dictionary", arguments: [3, 40, 3_000])
    func likeADictionary(names: Int) {
        var table = ChannelTable<Thing>()
        var truth: [ChannelName: Thing] = [:]
        for step in 0..<40_000 {
            let name = name(Int.random(in: 0..<names))
            // Turns of growing and of shrinking.
            if Int.random(in: 0..<10) < (step / 4_000 % 2 == 0 ? 7 : 3) {
                let thing = Thing(name)
                table[name] = thing
                truth[name] = thing
            } else {
                table[name] = nil
                truth[name] = nil
            }
            if table.count != truth.count || table[name] !== truth[name] {
                Issue.record("after step \(step) with \(name)")
                return
            }
        }
        #expect(truth.allSatisfy { table[$0] === $1 })
        #expect(Set(table.values.map(\.name)) == Set(truth.keys) && table.values.map(\.name).count == truth.count)
    }

    @Test("one that is filled in the order of another is searched no longer than any")
    func inOrderOfAnother() {
        var table = ChannelTable<Thing>()
        for number in 0..<5_000 {
            let thing = Thing(name(number))
            table[thing.name] = thing
        }
        #expect(table.longestSearch < 500)
        var other = ChannelTable<Thing>()
        for thing in table.values {
            other[thing.name] = thing
            if other.count % 100 == 0 { #expect(other.longestSearch < 500) }
        }
        #expect(other.count == table.count)
    }

    @Test("an empty one has nothing, and lets go of what it had")
    func empty() {
        var table = ChannelTable<Thing>()
        #expect(table[name(1)] == nil && table.isEmpty)
        table[name(1)] = nil
        weak var last: Thing?
        for number in 0..<1_000 {
            let thing = Thing(name(number))
            table[thing.name] = thing
            last = thing
        }
        #expect(last != nil && table.count == 1_000)
        for number in 0..<1_000 { table[name(number)] = nil }
        #expect(last == nil && table.isEmpty && Array(table.values).isEmpty)
    }
}
