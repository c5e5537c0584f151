import Foundation
import Reactor
import Synchronization

/// A directory of a test's own, gone when the test is.
final class Scratch: Sendable {
    let directory: URL
    private let count = Lock(0)

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "perseid-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    func file(_ name: String) -> URL { directory.appending(path: name) }

    /// Tells apart the files of processes with the same name.
    func nextNumber() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
