import Foundation

/// Standard output as a pipe's reader wants it: each line when it is written, and every byte as it came.
enum StandardOutput {
    /// Writes bytes at once.
    static func write(_ bytes: [UInt8]) {
        FileHandle.standardOutput.write(Data(bytes))
    }
}
