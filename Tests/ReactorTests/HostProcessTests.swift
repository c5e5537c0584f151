import Foundation
import Testing

@testable import Reactor

@Suite("The process")
struct HostProcessTests {
    #if os(Linux)
    @Test("has room for descriptors before it needs them")
    func room() throws {
        let wanted = HostProcess.raiseDescriptorLimit()

        try HostProcess.reserveDescriptors(wanted)

        let room = try descriptorRoom()
        #expect(try #require(room) >= wanted)
    }

    /// The size of the kernel's table of this process's descriptors (proc(5), `FDSize`).
    private func descriptorRoom() throws -> Int? {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("FDSize:") }
        return line.flatMap { Int($0.dropFirst(7).filter { !$0.isWhitespace }) }
    }
    #endif

    @Test("says so when it may not have that many")
    func noRoom() {
        let allowed = HostProcess.raiseDescriptorLimit()

        #expect(throws: SystemError.self) { try HostProcess.reserveDescriptors(allowed + 1) }
    }
}
