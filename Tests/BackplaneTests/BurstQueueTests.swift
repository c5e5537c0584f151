import Testing

@testable import Backplane

/// Queues that are long for a moment.
@Suite struct BurstQueueTests {
    @Test("elements come out in the order in which they went in, before and behind a burst, some of them taken out")
    func order() {
        var queue = BurstQueue([0, 1])
        for number in 2..<5_000 { queue.append(number) }
        #expect(queue.first == 0 && queue.count == 5_000)
        #expect(queue.removeAll { $0 % 2 == 1 } == Array(stride(from: 1, to: 5_000, by: 2)))
        #expect(queue.removeAll { $0 < 0 }.isEmpty)
        for number in stride(from: 0, to: 5_000, by: 2) { #expect(queue.popFirst() == number) }
        #expect(queue.isEmpty && queue.popFirst() == nil)
        queue.append(7)
        #expect(Array(queue.all) == [7])
    }
}
