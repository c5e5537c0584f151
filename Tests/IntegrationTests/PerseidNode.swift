import Foundation
import Reactor
import Synchronization

/// A real node: the executable that this package builds.
final class PerseidNode: Sendable {
    let id: String
    let port: UInt16

    /// An executable: this package's, or one of another release.
    private let program: String
    private let arguments: [String]
    private let environment: [String: String]
    private let scratch: Scratch
    private let process = Lock<ChildProcess?>(nil)

    /// The executable lies beside the test bundle. `PERSEID_TEST_NODE` names another one: what is to be measured is built for release.
    static var executable: String {
        if let other = ProcessInfo.processInfo.environment["PERSEID_TEST_NODE"] { return other }
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: "perseid").path
    }

    /// Limits of the tests: outages are noticed and over within a second or two, and nothing is lost to a short history.
    static let limits = [
        "PERSEID_LIMITS_REDIS_MILLISECONDS": "800",
        "PERSEID_LIMITS_RECONNECT_MILLISECONDS_MAX": "200",
        "PERSEID_LIMITS_HISTORY_COUNT_MAX": "100000",
        "PERSEID_LIMITS_READ_COUNT_MAX": "100000",
        // A node turns nobody away because other tests have the processors.
        "PERSEID_LIMITS_OVERLOAD_LAG_MILLISECONDS": "600000",
    ]

    /// For tests in which Redis is not away: a machine that is busy for a moment must not look as if it were.
    static let patience = ["PERSEID_LIMITS_REDIS_MILLISECONDS": "20000"]

    /// Starts a node and waits until it is ready.
    convenience init(
        id: String,
        redis: String?,
        host: String = "127.0.0.1",
        port: UInt16 = Port.free(),
        environment: [String: String] = [:],
        arguments: [String] = [],
        program: String = PerseidNode.executable,
        in scratch: Scratch
    ) async throws {
        try self.init(
            id: id,
            redis: redis,
            host: host,
            port: port,
            environment: environment,
            arguments: arguments,
            program: program,
            startedIn: scratch
        )
        try await becomeReady()
    }

    /// Starts a node that may never be ready.
    init(
        id: String,
        redis: String?,
        host: String = "127.0.0.1",
        port: UInt16 = Port.free(),
        environment: [String: String] = [:],
        arguments: [String] = [],
        program: String = PerseidNode.executable,
        startedIn scratch: Scratch
    ) throws {
        self.id = id
        self.port = port
        self.scratch = scratch
        self.program = program
        self.environment = Self.limits.merging(environment) { $1 }
        self.arguments =
            ["serve", "--listen", "\(host):\(port)", "--node-id", id, "--reactors", "2"]
            + (redis.map { ["--redis", $0] } ?? []) + arguments
        let started = try ChildProcess([program] + self.arguments, environment: self.environment, in: scratch)
        process.withLock { $0 = started }
    }

    /// Starts it again, under its name and at its port, after its end.
    func start() throws {
        let started = try ChildProcess([program] + arguments, environment: environment, in: scratch)
        process.withLock { $0 = started }
    }

    /// Waits until it is ready.
    func becomeReady() async throws {
        try await eventually(
            "node \(id) is ready",
            isTrue: {
                guard isRunning else { throw ChildProcess.Failure(description: "node \(id) ended: \(log)") }
                return await readiness == 200
            }
        )
    }

    /// Status of `/readyz`; 0 if it does not answer.
    var readiness: Int {
        get async { (try? await ask("GET", "/readyz").status) ?? 0 }
    }

    var isRunning: Bool { process.withLock { $0?.isRunning ?? false } }

    /// Its resident memory in kilobytes.
    var residentKilobytes: Int {
        guard let pid = process.withLock({ $0?.pid }),
            let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
        else { return 0 }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// What it logged.
    var log: String { process.withLock { $0?.errorText ?? "" } }

    var output: String { process.withLock { $0?.outputText ?? "" } }

    func signal(_ number: Int32) { process.withLock { $0?.signal(number) } }

    /// Lets it end in order, and says how it did.
    @discardableResult
    func stop() async throws -> ChildProcess.Ending? {
        signal(SIGTERM)
        return try await process.withLock { $0 }?.end()
    }

    /// Ends it at once, as a crash would.
    func kill() async throws {
        signal(SIGKILL)
        try await process.withLock { $0 }?.end()
    }

    func ask(
        _ method: String,
        _ target: String,
        fields: [String: String] = [:],
        body: String = ""
    ) async throws -> HTTPConnection.Answer {
        try await HTTPConnection.ask(method, target, port: port, fields: fields, body: body)
    }

    /// The value of a metric without labels.
    func metric(_ name: String) async throws -> Int? {
        try await ask("GET", "/metrics").body.split(separator: "\n")
            .first { $0.hasPrefix("\(name) ") }
            .flatMap { Int($0.dropFirst(name.count + 1)) }
    }
}
