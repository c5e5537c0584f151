import Foundation
import Reactor
import Synchronization

/// A real Sentinel that watches one master, which it calls `main`.
final class SentinelServer: Sendable {
    let port = Port.free()

    private let scratch: Scratch
    private let process: Lock<ChildProcess>

    /// What its process takes from a file that it also writes to.
    private let settings: URL

    /// Milliseconds without an answer after which it takes a master for dead: not so few that a busy machine is enough for that.
    static let usualPatienceMilliseconds = 1_500

    /// Where its commands are to be sent to, and as whom.
    private let options: [String]

    /// `settings` are further lines of its file, and `options` what `redis-cli` is told so that it may ask it.
    init(
        master: UInt16,
        quorum: Int,
        settings lines: [String] = [],
        options: [String] = [],
        patienceMilliseconds: Int = usualPatienceMilliseconds,
        in scratch: Scratch
    ) async throws {
        self.scratch = scratch
        self.options = options
        settings = scratch.file("sentinel-\(port).conf")
        let text = """
            port \(port)
            bind 127.0.0.1
            dir \(scratch.directory.path)
            sentinel monitor main 127.0.0.1 \(master) \(quorum)
            sentinel down-after-milliseconds main \(patienceMilliseconds)
            sentinel failover-timeout main 3000
            \(lines.joined(separator: "\n"))

            """
        try text.write(to: settings, atomically: true, encoding: .utf8)
        process = Lock(try ChildProcess([RedisServer.program, settings.path, "--sentinel"], in: scratch))
        try await becomeReady()
    }

    func start() async throws {
        let started = try ChildProcess([RedisServer.program, settings.path, "--sentinel"], in: scratch)
        process.withLock { $0 = started }
        try await becomeReady()
    }

    private func becomeReady() async throws {
        try await eventually("the Sentinel answers", isTrue: { (try? await command("PING")) == "PONG" })
    }

    func kill() async throws {
        signal(SIGKILL)
        try await process.withLock { $0 }.end()
    }

    func signal(_ number: Int32) { process.withLock { $0.signal(number) } }

    @discardableResult
    func command(_ arguments: String...) async throws -> String {
        try await ChildProcess.run(["redis-cli", "-e", "-p", "\(port)"] + options + arguments, in: scratch)
            .trimmingCharacters(in: .newlines)
    }

    /// The port of the master, as it knows it.
    func masterPort() async throws -> UInt16? {
        let words = try await command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main").split(separator: "\n")
        return words.count == 2 ? UInt16(words[1]) : nil
    }

    /// Whether it knows of so many others, and so many replicas that are in order: before that it cannot fail over.
    func knows(sentinels: Int, replicas: Int) async throws -> Bool {
        let text = try await command("SENTINEL", "MASTER", "main").split(separator: "\n").map(String.init)
        func fact(_ name: String) -> Int? { text.firstIndex(of: name).flatMap { Int(text[$0 + 1]) } }
        guard fact("num-other-sentinels") == sentinels, fact("num-slaves") == replicas else { return false }
        return try await command("SENTINEL", "REPLICAS", "main").contains("master-link-status\nok")
    }
}
