import Edge
import Foundation
import Synchronization

/// What is known of all nodes: one thread writes it down, another shows it.
final class TopBoard: Sendable {
    private struct Content {
        var nodes: [String: (history: NodeHistory, line: [UInt8])] = [:]
        var state = FactsFollower.State.connecting
        /// Why it was lost last.
        var reason: String?
    }

    /// More are not shown: whoever may publish there could name any number of them.
    private static let nodesMax = 256

    /// A node that went away is shown for so long, in seconds.
    private static let goneSeconds = 600.0

    private let content = Mutex(Content())
    private let start = ContinuousClock.now

    /// Seconds of a clock that never jumps.
    var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    func take(_ facts: NodeFacts, _ line: [UInt8]) {
        let now = now
        content.withLock { content in
            if var known = content.nodes[facts.node] {
                known.history.take(facts, now: now)
                known.line = line
                content.nodes[facts.node] = known
            } else if content.nodes.count < Self.nodesMax {
                content.nodes[facts.node] = (NodeHistory(facts, now: now), line)
            }
            content.nodes = content.nodes.filter { $0.value.history.silence(now) < Self.goneSeconds }
        }
    }

    func tell(_ state: FactsFollower.State) {
        content.withLock {
            $0.state = state
            if case .lost(let reason) = state { $0.reason = reason }
        }
    }

    var state: FactsFollower.State { content.withLock { $0.state } }
    var reason: String? { content.withLock { $0.reason } }

    var stateText: String? {
        switch state {
        case .connected: nil
        case .connecting: reason.map { "lost: \($0)" } ?? "connecting"
        case .lost(let reason), .refused(let reason): "lost: \(reason)"
        }
    }

    /// All nodes by name, with the newest of what each said.
    var nodes: (histories: [NodeHistory], lines: [[UInt8]]) {
        let all = content.withLock { $0.nodes.values.map { $0 } }
            .sorted { $0.history.facts.node.localizedStandardCompare($1.history.facts.node) == .orderedAscending }
        return (all.map(\.history), all.map(\.line))
    }
}
