import Testing

@testable import Broker

@Suite("A list that mostly has one element")
struct FewTests {
    @Test("whatever is done to it, it is what an array is")
    func likeAnArray() {
        var few = Few<Int>()
        var truth: [Int] = []
        for step in 0..<20_000 {
            let number = Int.random(in: 0..<6)
            switch Int.random(in: 0..<7) {
            case 0, 1:
                few.append(number)
                truth.append(number)
            case 2 where !truth.isEmpty: #expect(few.removeLast() == truth.removeLast())
            case 3 where !truth.isEmpty:
                let place = truth.indices.randomElement()!
                few[place] = number
                truth[place] = number
            case 4:
                few.removeAll { $0 == number }
                truth.removeAll { $0 == number }
            case 5 where !truth.isEmpty:
                let place = truth.indices.randomElement()!
                few.remove(at: place)
                truth.remove(at: place)
            case 6:
                few += few.filter { $0 < 2 }
                truth += truth.filter { $0 < 2 }
                if truth.count > 40 { (few, truth) = ([], []) }
            default: break
            }
            if Array(few) != truth || few.count != truth.count || few.first != truth.first {
                Issue.record("\(Array(few)) for \(truth) after step \(step)")
                return
            }
        }
    }

    @Test("of references it takes 16 bytes, and lets go of what it had")
    func size() {
        #expect(MemoryLayout<Few<FanoutLog>>.size == 16)
        #expect(MemoryLayout<Few<SubscriptionSlot>>.size <= 16)
        var few = Few(FanoutLog(windowBytesMax: 1, policy: .skip))
        weak let first = few.first
        few.append(FanoutLog(windowBytesMax: 1, policy: .skip))
        few.removeAll { $0 === first }
        #expect(first == nil && few.count == 1)
    }
}
