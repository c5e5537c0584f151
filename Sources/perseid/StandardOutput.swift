import Foundation

/// Standard output as a pipe's reader wants it: each line when it is written, and every byte as it came.
enum StandardOutput {
    /// `EX_IOERR` of sysexits(3).
    private static let inputOutputError: Int32 = 74

    /// Writes bytes at once. Where nobody reads them any more, the command is over.
    static func write(_ bytes: [UInt8]) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(bytes)) } catch { exit(inputOutputError) }
    }
}
