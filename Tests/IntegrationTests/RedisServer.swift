import Broker
import Foundation
import Reactor
import Synchronization
import Testing

/// A real Redis on a port and in a directory of its own.
final class RedisServer: Sendable {
    /// A publication as Redis has it.
    struct Entry: Equatable {
        let position: Position
        let previous: Position
        let payload: String
    }

    /// Redis, unless deploy/test says that another server that calls itself compatible is tried.
    static let program = ProcessInfo.processInfo.environment["PERSEID_TEST_REDIS_SERVER"] ?? "redis-server"

    let port = Port.free()

    /// Where it listens with TLS, if it does.
    let securePort: UInt16?

    private let keepsData: Bool
    private let options: [String]
    private let trust: RedisTrust?
    private let scratch: Scratch
    private let process = Lock<ChildProcess?>(nil)

    /// Starts it; with `keepsData` what it was told survives a restart.
    init(keepsData: Bool = false, options: [String] = [], trust: RedisTrust? = nil, in scratch: Scratch) async throws {
        self.keepsData = keepsData
        securePort = trust == nil ? nil : Port.free()
        self.options = options + (trust?.options(port: securePort ?? 0) ?? [])
        self.trust = trust
        self.scratch = scratch
        try await start()
    }

    /// Where it keeps its data, if it does.
    var data: URL { scratch.directory.appending(path: "log-\(port)") }

    var url: String { "redis://127.0.0.1:\(port)" }

    /// `more` are further options, and `sign` what it says in its log once it is of use.
    func start(_ more: [String] = [], until sign: String = "Ready to accept connections") async throws {
        let started = try ChildProcess(
            [
                Self.program, "--port", "\(port)", "--bind", "127.0.0.1", "--dir", scratch.directory.path,
                "--save", "", "--appendonly", keepsData ? "yes" : "no",
                "--appenddirname", data.lastPathComponent,
                // By default Redis may put off writing its log for two seconds, and publish what it has not written.
                "--appendfsync", "always",
            ] + options + more,
            in: scratch
        )
        process.withLock { $0 = started }
        try await eventually("redis-server listens") {
            guard started.isRunning else { throw ChildProcess.Failure(description: started.outputText) }
            return started.outputText.contains(sign)
        }
    }

    /// Ends it at once, as a crash would.
    func kill() async throws {
        signal(SIGKILL)
        try await process.withLock { $0 }?.end()
    }

    func signal(_ number: Int32) { process.withLock { $0?.signal(number) } }

    /// Runs one command with redis-cli; with `user` as that user.
    @discardableResult
    func command(_ arguments: String..., user: String? = nil, password: String? = nil) async throws -> String {
        try await command(arguments, user: user, password: password)
    }

    /// The same for a list of arguments.
    @discardableResult
    func command(_ arguments: [String], user: String? = nil, password: String? = nil) async throws -> String {
        var options = ["-e", "-p", "\(port)"]
        if let user { options += ["--user", user] }
        if let password { options += ["--no-auth-warning", "--pass", password] }
        return try await ChildProcess.run(["redis-cli"] + options + arguments, in: scratch)
            .trimmingCharacters(in: .newlines)
    }

    /// The same with arguments that are a list.
    func run(_ arguments: [String]) async throws -> String {
        try await ChildProcess.run(["redis-cli", "-e", "-p", "\(port)"] + arguments, in: scratch)
    }

    /// Runs many commands, a line each, one after the other with one redis-cli.
    func run(lines: [String]) async throws {
        let process = try ChildProcess(["redis-cli", "-p", "\(port)"], in: scratch)
        try await onThread { for line in lines { try process.tell(line) } }
        process.endInput()
        try await process.end()
    }

    /// CPU time of its main thread in nanoseconds, and whether that has something to do.
    var work: (nanoseconds: UInt64, isBusy: Bool)? {
        guard let pid = process.withLock({ $0?.pid }),
            let times = try? String(contentsOfFile: "/proc/\(pid)/schedstat", encoding: .utf8),
            let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let nanoseconds = times.split(separator: " ").first.flatMap({ UInt64($0) })
        else { return nil }
        return (nanoseconds, status.contains(") R "))
    }

    /// The key of a channel.
    static func key(_ channel: String) -> String { "perseid:{\(channel)}" }

    /// Publishes as a backend would: with the function, and no node in between.
    func publish(_ payload: String, to channel: String) async throws -> Position {
        let key = Self.key(channel)
        let text = try await command("FCALL", "perseid_publish", "1", key, payload, "HISTORY", "100000")
        guard let position = Position(text) else { throw ChildProcess.Failure(description: "no position: \(text)") }
        return position
    }

    /// Loads the library that it has anew, as an upgrade does: what that knew and no key holds, is forgotten.
    func loadLibraryAnew() async throws {
        let text = try await command("--json", "FUNCTION", "LIST", "LIBRARYNAME", "perseid", "WITHCODE")
        let libraries = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
        let source = try #require(libraries?.first?["library_code"] as? String, "\(text.prefix(200))")
        try await command("FUNCTION", "LOAD", "REPLACE", source)
    }

    /// How often it was asked to do something.
    func calls(of command: String) async throws -> Int {
        let text = try await self.command("INFO", "commandstats")
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) } ?? 0
    }

    func head(of channel: String) async throws -> Position {
        Position(try await command("GET", Self.key(channel) + ":head")) ?? .start
    }

    /// All that Redis has of a channel, oldest first.
    func entries(of channel: String) async throws -> [Entry] {
        let text = try await command("--json", "XRANGE", Self.key(channel), "-", "+")
        let rows = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[Any]] ?? []
        return rows.compactMap { row in
            guard let position = (row[0] as? String).flatMap({ Position($0) }), let pairs = row[1] as? [String] else {
                return nil
            }
            let fields = Dictionary(
                uniqueKeysWithValues: stride(from: 0, to: pairs.count, by: 2).map { (pairs[$0], pairs[$0 + 1]) }
            )
            let previous = fields["v"].flatMap { Position($0) } ?? .start
            return Entry(position: position, previous: previous, payload: fields["p"] ?? "")
        }
    }
}
