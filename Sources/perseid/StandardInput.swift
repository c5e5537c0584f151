import ArgumentParser
import Foundation

/// Standard input, byte for byte. One that cannot be read is no end of it: who takes it for one has lost the rest.
enum StandardInput {
    /// Why it cannot be read.
    struct Fault: Error, CustomStringConvertible {
        let code: Int32

        /// How a command ends that did not get all of it: `EX_IOERR` of sysexits(3).
        static let exitCode = ExitCode(74)

        var description: String { "standard input cannot be read: \(String(cString: strerror(code)))" }
    }

    /// Reads as much as is there, and fits; waits for it. Returns how many bytes, or 0 at the end.
    static func read(into buffer: inout [UInt8]) throws(Fault) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes {
                Foundation.read(FileHandle.standardInput.fileDescriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 { return count }
            if errno != EINTR { throw Fault(code: errno) }
        }
    }

    /// Reads all of it.
    static func readToEnd() throws(Fault) -> [UInt8] {
        var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = try read(into: &buffer)
            guard count > 0 else { return all }
            all += buffer[..<count]
        }
    }
}
