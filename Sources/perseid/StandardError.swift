import Backplane
import Foundation

/// Standard error, where a command tells people what happens; what it is asked for goes to standard output.
enum StandardError {
    /// Writes one line.
    static func say(_ text: String) {
        FileHandle.standardError.write(Data("perseid: \(text)\n".utf8))
    }

    /// Says what is wrong with Redis, where, in whose words, and what to do.
    static func say(_ complaint: RedisComplaint, at address: RedisAddress) {
        say("\(complaint.message): \(address.place): \(complaint.text): \(complaint.advice)")
    }
}
