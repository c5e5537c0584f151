import Foundation
import Testing
import Trust

@testable import perseid

@Suite struct BlockingTests {
    @Test("as many wait as there are threads for tasks, and more, and all get what they wait for")
    func manyAtOnce() async throws {
        let secret = Array("a secret of the tests with more than 32 bytes".utf8)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 * ProcessInfo.processInfo.activeProcessorCount {
                group.addTask { try Blocking.run { try await TokenKey.hmac(secret, name: nil).count } }
            }
            return try await group.reduce(0, +)
        }
        #expect(count == 4 * ProcessInfo.processInfo.activeProcessorCount)
    }

    @Test("what goes wrong is thrown")
    func failure() {
        #expect(throws: TokenKeyError.self) { try Blocking.run { try await TokenKey.hmac([], name: nil) } }
    }
}
