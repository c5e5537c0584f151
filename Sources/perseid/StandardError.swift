import Backplane
import Foundation

/// Standard error, where a command tells people what happens; what it is asked for goes to standard output.
enum StandardError {
    /// Whether people look at it.
    static var isTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

    /// Writes one line.
    static func say(_ text: String) { ProgressLine.shared.say("perseid: \(text)") }

    /// Writes text as it is. Where nobody reads it, nobody misses it.
    static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

    /// Says what is wrong with Redis, where, in whose words, and what to do.
    static func say(_ complaint: RedisComplaint, at place: String) {
        say("\(complaint.message): \(place): \(complaint.text): \(complaint.advice)")
    }
}
