import Foundation
import Testing

@testable import Reactor

@Suite("What the process takes")
struct ProcessUsageTests {
    @Test("is what the system says of it")
    func plausible() throws {
        let before = ProcessUsage.now
        var sum: UInt64 = 0
        while ProcessUsage.now.processorMilliseconds < before.processorMilliseconds + 20 { sum &+= 1 }

        #expect(sum > 0)
        #expect(before.residentBytes > 1 << 20 && before.virtualBytes > before.residentBytes)
        #expect(before.descriptorsMax > 0)
    }

    #if os(Linux)
    @Test("has as many descriptors as there are, where the system says so")
    func descriptors() async {
        // In a process of its own, whose descriptors nobody else opens and closes.
        await #expect(processExitsWith: .success) {
            guard let count = ProcessUsage.now.openDescriptors else { return }
            let pipes = (0..<50).map { _ in Pipe() }
            defer { withExtendedLifetime(pipes) {} }
            #expect((ProcessUsage.now.openDescriptors ?? 0) > count + 50)
        }
    }
    #endif
}
