import Broker
import TestRandomness
import Testing

@testable import Backplane

@Suite("Subscription list")
struct SubscriptionListTests {
    private func name(_ number: Int) -> ChannelName { ChannelName("c\(number)")! }

    /// All that would be asked now, in words.
    private func take(_ list: inout SubscriptionList) -> [String] {
        var asked: [String] = []
        while let batch = list.nextBatch(underWayMax: 512) {
            asked += batch.names.map { (batch.isLeaving ? "-" : "+") + $0.text }
        }
        return asked
    }

    @Test("a few hundred are under way at a time, in order; the rest follows as they are acknowledged")
    func flow() {
        var list = SubscriptionList()
        for number in 0..<2_000 { #expect(list.want(name(number)) == false) }
        #expect(take(&list) == (0..<512).map { "+c\($0)" })
        for number in 0..<100 { #expect(list.acknowledge(name(number), isLeaving: false) == true) }
        #expect(take(&list) == (512..<612).map { "+c\($0)" })
    }

    @Test("what came and went before its turn is never asked for, however much of it there is")
    func neverAskedFor() {
        var list = SubscriptionList()
        for number in 0..<512 { _ = list.want(name(number)) }
        #expect(take(&list).count == 512)
        for number in 512..<100_000 {
            _ = list.want(name(number))
            if number != 70_000 { list.giveUp(name(number)) }
        }
        #expect(list.queueCount < 3_000, "what nobody wants is not kept")
        for number in 0..<512 { _ = list.acknowledge(name(number), isLeaving: false) }
        #expect(take(&list) == ["+c70000"])
    }

    @Test("given up while it is asked for: left once Redis heard of it, unless it is wanted again")
    func givenUpUnderWay() {
        var list = SubscriptionList()
        for number in 0..<3 { _ = list.want(name(number)) }
        #expect(take(&list) == ["+c0", "+c1", "+c2"])
        list.giveUp(name(0))
        list.giveUp(name(1))
        _ = list.want(name(1))
        #expect(list.acknowledge(name(0), isLeaving: false) == false)
        #expect(list.acknowledge(name(1), isLeaving: false) == true)
        #expect(list.acknowledge(name(2), isLeaving: false) == true)
        #expect(take(&list) == ["-c0"])
        _ = list.want(name(0))
        #expect(take(&list) == [])
        #expect(list.acknowledge(name(0), isLeaving: true) == false)
        #expect(take(&list) == ["+c0"])
        #expect(list.acknowledge(name(0), isLeaving: false) == true)
    }

    @Test("given up and wanted again before Redis was told: it is heard all the time, and nothing is asked")
    func wantedAgain() {
        var list = SubscriptionList()
        _ = list.want(name(0))
        _ = take(&list)
        _ = list.acknowledge(name(0), isLeaving: false)
        list.giveUp(name(0))
        #expect(list.want(name(0)) == true, "it is heard")
        #expect(take(&list) == [])
        list.giveUp(name(0))
        #expect(take(&list) == ["-c0"])
        #expect(list.acknowledge(name(0), isLeaving: true) == false)
        #expect(list.count == 0)
    }

    @Test("after a loss of the link what is wanted is asked for anew, and is awaited; what comes later is not")
    func restart() {
        var list = SubscriptionList()
        for number in 0..<4 { _ = list.want(name(number)) }
        _ = take(&list)
        _ = list.acknowledge(name(0), isLeaving: false)
        list.giveUp(name(3))
        list.restart()
        _ = list.want(name(4))
        #expect(Set(take(&list)) == ["+c0", "+c1", "+c2", "+c4"])
        #expect(list.isRestarting)
        #expect(list.acknowledge(name(0), isLeaving: false) == true)
        list.giveUp(name(1))
        #expect(list.isRestarting)
        #expect(list.refuse(name(2)) == true)
        #expect(!list.isRestarting)
    }

    @Test(
        "whatever is wanted, given up, acknowledged and lost: what Redis has in the end is what is wanted",
        arguments: 0..<50
    )
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var list = SubscriptionList()
        var wanted: Set<ChannelName> = []
        var heard: Set<ChannelName> = []
        var asked: [SubscriptionList.Batch] = []
        func answer() {
            guard !asked.isEmpty else { return }
            guard let channel = asked[0].names.popFirst() else {
                asked.removeFirst()
                return
            }
            if asked[0].isLeaving { heard.remove(channel) } else { heard.insert(channel) }
            _ = list.acknowledge(channel, isLeaving: asked[0].isLeaving)
        }
        for _ in 0..<5_000 {
            let channel = name(Int.random(in: 0..<40, using: &random))
            switch Int.random(in: 0..<1_000, using: &random) {
            case 0:
                list.restart()
                asked = []
                heard = []
            case 1..<300:
                _ = list.want(channel)
                wanted.insert(channel)
            case 300..<600:
                list.giveUp(channel)
                wanted.remove(channel)
            case 600..<700: while let batch = list.nextBatch(underWayMax: 512) { asked.append(batch) }
            default: answer()
            }
        }
        for _ in 0..<3 {
            while let batch = list.nextBatch(underWayMax: 512) { asked.append(batch) }
            while !asked.isEmpty { answer() }
        }
        #expect(heard == wanted)
        #expect(list.count == wanted.count)
        #expect(!list.isRestarting)
    }
}
