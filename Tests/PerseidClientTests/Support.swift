import Backplane
import Edge
import Foundation
import PerseidClient
import Reactor
import Testing

import struct Broker.Limits

/// What a test expected and did not get.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A real node in the test's process.
final class RunningNode: Sendable {
    let node: Node

    init(_ configuration: EdgeConfiguration) throws {
        let (limits, nodeID) = (configuration.limits, configuration.nodeID)
        node = try Node(configuration, hasUplinkThread: false) { _, _ in
            MemoryBackplane(limits: limits, nodeID: nodeID)
        }
    }

    var port: UInt16 { node.port }
    var url: String { "http://127.0.0.1:\(node.port)" }

    /// What its first reactor counts.
    var metrics: EdgeMetrics { node.status.reactors[0] }
}

/// Runs a test against a node of its own.
func withNode(
    _ change: (inout EdgeConfiguration) -> Void = { _ in },
    isolation: isolated (any Actor)? = #isolation,
    _ body: (RunningNode) async throws -> Void
) async throws {
    var configuration = EdgeConfiguration()
    configuration.port = 0
    configuration.nodeID = "n1"
    configuration.limits.drainMilliseconds = 250
    // It turns nobody away because other tests have the processors.
    configuration.limits.overloadLagMilliseconds = 600_000
    change(&configuration)
    let node = try RunningNode(configuration)
    defer { node.node.stop() }
    try await body(node)
}

/// Options with one transport.
func options(_ transport: Transport, _ change: (inout ClientOptions) -> Void = { _ in }) -> ClientOptions {
    var options = ClientOptions()
    options.transports = [transport]
    change(&options)
    return options
}

/// Gives what takes longer than a minute up.
func within<Value: Sendable>(
    _ limit: Duration = .seconds(60),
    _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            throw TestFailure("not within \(limit)")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw TestFailure("nothing came") }
        return value
    }
}

/// Waits, for a bounded time, until something is so.
func eventually(
    _ what: String,
    isolation: isolated (any Actor)? = #isolation,
    isTrue condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(60)
    var isLast = false
    while try await !condition() {
        if isLast { throw TestFailure("not within a minute: \(what)") }
        // The time may be up because the whole machine stood still: then those who are waited for need a moment, too.
        isLast = ContinuousClock.now >= end
        try await Task.sleep(for: .milliseconds(isLast ? 1_000 : 10))
    }
}

/// A loop over a subscription that a test steps through.
final class Listener {
    private var events: Subscription.Events.Iterator
    private(set) var states: [ConnectionState] = []

    init(_ subscription: Subscription) { events = subscription.events.makeAsyncIterator() }

    /// The next event that is no state of the connection.
    func next(isolation: isolated (any Actor)? = #isolation) async throws -> SubscriptionEvent? {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            guard let event = try await events.next(isolation: isolation) else { return nil }
            guard case .connection(let state) = event else { return event }
            states.append(state)
        }
        throw TestFailure("nothing came within a minute: \(states)")
    }

    /// Waits until a channel is open, and returns how.
    @discardableResult
    func opened(isolation: isolated (any Actor)? = #isolation) async throws -> Opened {
        let event = try await next()
        guard case .opened(let opened)? = event else { throw TestFailure("not opened: \(String(describing: event))") }
        return opened
    }

    /// The next message.
    func message(isolation: isolated (any Actor)? = #isolation) async throws -> Message {
        while true {
            let event = try await next()
            if case .opened? = event { continue }
            guard case .message(let message)? = event else {
                throw TestFailure("no message: \(String(describing: event))")
            }
            return message
        }
    }

    /// The texts of so many messages, which come without a gap.
    func texts(_ count: Int, isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count { texts.append(try await message().text ?? "") }
        return texts
    }
}

/// Descriptors and threads that this process has.
enum OwnProcess {
    static var descriptorCount: Int { count("/proc/self/fd") }

    /// Threads of clients: those of nodes and tests come and go by themselves.
    static var clientThreadCount: Int {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.count { task in
            let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
            return name?.hasPrefix("perseid-client") ?? false
        }
    }

    private static func count(_ directory: String) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).count
    }
}
