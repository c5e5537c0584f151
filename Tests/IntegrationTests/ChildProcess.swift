import Foundation
import Reactor
import Synchronization

/// A process that the tests started, with what it writes in a file.
///
/// It ends with `kill`, with the last reference to it, and with the tests themselves, however they end. It is written
/// here because swift-subprocess and Foundation tie a process to a scope or a run loop and let it outlive its parent;
/// these are stopped, continued and killed in the middle of a test.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// What cannot be started, or did not end.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    let pid: pid_t

    /// What it writes to standard output and standard error.
    let output: URL
    let errors: URL

    private let input: Lock<Int32>
    private let ending = Lock<Ending?>(nil)

    /// Starts a program that is found by its name or path.
    init(_ arguments: [String], environment: [String: String] = [:], in scratch: Scratch) throws {
        name = URL(filePath: arguments[0]).lastPathComponent
        let number = scratch.nextNumber()
        output = scratch.file("\(number)-\(name).out")
        errors = scratch.file("\(number)-\(name).err")
        let launched = try Launcher.shared.launch(
            Launcher.Order(
                arguments: arguments,
                environment: Self.environment(adding: environment),
                output: output.path,
                errors: errors.path
            )
        )
        pid = launched.pid
        input = Lock(launched.input)
    }

    deinit {
        endInput()
        signal(SIGKILL)
        while poll() == nil { usleep(1_000) }
    }

    /// Nothing of a proxy or of Perseid's own settings comes in from outside.
    private static func environment(adding added: [String: String]) -> [String: String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.lowercased().hasSuffix("_proxy") && !$0.key.hasPrefix("PERSEID_") }
            .merging(added) { $1 }
    }

    /// Sends a signal, unless the process ended.
    func signal(_ number: Int32) {
        ending.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
    }

    /// How it ended, or `nil` while it runs.
    func poll() -> Ending? {
        ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            let signal = status & 0x7f
            ending = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
            return ending
        }
    }

    var isRunning: Bool { poll() == nil }

    /// Waits until it ended by itself.
    @discardableResult
    func end(within limit: Duration = .seconds(60)) async throws -> Ending {
        try await eventually("\(name) ends", within: limit) { self.poll() }
    }

    /// Writes a line to its standard input.
    func tell(_ line: String) throws { try tell(Array((line + "\n").utf8)) }

    /// Writes bytes to its standard input, as many as the pipe takes: 64 KiB at least, at first.
    func tell(_ bytes: [UInt8]) throws {
        guard input.withLock({ write($0, bytes, bytes.count) }) == bytes.count else {
            throw Failure(description: "\(name) takes no input: error \(errno)")
        }
    }

    /// Ends its standard input.
    func endInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// All that it wrote to standard output so far.
    var outputText: String { (try? String(decoding: Data(contentsOf: output), as: UTF8.self)) ?? "" }

    /// All that it wrote to standard error so far.
    var errorText: String { (try? String(decoding: Data(contentsOf: errors), as: UTF8.self)) ?? "" }

    /// Runs a program to its end and returns what it wrote to standard output.
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        in scratch: Scratch,
        within limit: Duration = .seconds(60)
    ) async throws -> String {
        let process = try ChildProcess(arguments, environment: environment, in: scratch)
        let ending = try await process.end(within: limit)
        guard ending == .exited(0) else {
            throw Failure(description: "\(process.name): \(ending): \(process.errorText)\(process.outputText)")
        }
        return process.outputText
    }
}

/// The one thread that starts processes: Linux kills them when the thread that started them ends, so it must be one that
/// lives as long as the tests.
private final class Launcher: Sendable {
    struct Order {
        let arguments: [String]
        let environment: [String: String]
        let output: String
        let errors: String
    }

    /// A process, and the end of a pipe that is its standard input.
    typealias Launched = (pid: pid_t, input: Int32)

    static let shared = Launcher()

    private let orders = Lock<[(Order, Answer)]>([])
    private let wakeup = DispatchSemaphore(value: 0)

    /// What came of one order.
    private final class Answer: Sendable {
        let result = Lock<Result<Launched, ChildProcess.Failure>?>(nil)
        let isGiven = DispatchSemaphore(value: 0)
    }

    private init() {
        Glibc.signal(SIGPIPE, SIG_IGN)
        Thread.detachNewThread { [self] in
            while true {
                wakeup.wait()
                guard let (order, answer) = orders.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { continue }
                answer.result.withLock { $0 = Self.spawn(order) }
                answer.isGiven.signal()
            }
        }
    }

    func launch(_ order: Order) throws -> Launched {
        let answer = Answer()
        orders.withLock { $0.append((order, answer)) }
        wakeup.signal()
        answer.isGiven.wait()
        return try answer.result.withLock { try $0!.get() }
    }

    private static func spawn(_ order: Order) -> Result<Launched, ChildProcess.Failure> {
        // Both ends are made here, where no other process can be started before they are closed to it.
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return .failure(.init(description: "no pipe: error \(errno)")) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, order.output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, order.errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigfillset(&defaults)
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        // setpriv becomes the program, under the same process id.
        let arguments = ["setpriv", "--pdeathsig", "KILL", "--"] + order.arguments
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = order.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, "setpriv", &actions, &attributes, &argumentPointers, &environmentPointers)
        guard result == 0 else {
            close(ends[1])
            return .failure(.init(description: "\(order.arguments[0]): error \(result)"))
        }
        return .success((pid, ends[1]))
    }
}
