import ArgumentParser
import Foundation
import PerseidClient
import Reactor

/// Shows how the nodes are, each second, as the console does on a page.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the nodes of the cluster are, each second.",
        discussion: """
            Follows what all nodes say of themselves, by whichever it reaches. Where the nodes have rules or API keys, it needs a key \
            with the scope admin. In a terminal it ends with q or Ctrl-C.
            """
    )

    @OptionGroup var node: NodeOptions

    @Flag(help: "Listen for a while, print how the nodes are then, and end.")
    var once = false

    @Flag(help: "Print JSON: with --once an object with all nodes, else what each says, a line each.")
    var json = false

    @Option(help: "Seconds that --once listens; a node that nobody listened to may take three until it speaks.")
    var seconds = 6.0

    func validate() throws {
        guard (0.1...3_600).contains(seconds) else { throw ValidationError("--seconds: from 0.1 to 3600") }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        // Before there is another thread, so that none but this one hears of signals.
        try HostProcess.catchEnd()
        let client = try node.client { $0.session = .none }
        let board = TopBoard()
        let isLines = json && !once
        let follower = FactsFollower(client: client) { line, facts in
            if isLines { StandardOutput.write(line + [UInt8(ascii: "\n")]) } else { board.take(facts, line) }
        } tell: { state in
            board.tell(state)
            if isLines, case .lost(let reason) = state { StandardError.say("\(reason); trying again") }
        }
        follower.start()
        if once { return try printOnce(board) }
        try isLines ? waitForEnd(board) : TopScreen(board).run(until: { try Self.endOfLink(board) })
    }

    /// Listens, and prints what came of it.
    private func printOnce(_ board: TopBoard) throws {
        let end = Date.now.addingTimeInterval(seconds)
        while end.timeIntervalSinceNow > 0 {
            try Self.endOfLink(board)
            if HostProcess.waitForSignal(milliseconds: Int32(end.timeIntervalSinceNow * 1_000).clamped) != nil { break }
        }
        try Self.endOfLink(board)
        let (nodes, lines) = board.nodes
        guard !nodes.isEmpty else {
            StandardError.say(board.reason ?? "no node has said anything in \(seconds) s")
            throw ExitCode.failure
        }
        if json {
            StandardOutput.write(
                Array("{\"nodes\":[".utf8) + lines.joined(separator: [UInt8(ascii: ",")]) + Array("]}\n".utf8)
            )
        } else {
            let text = TopText(nodes: nodes, state: board.stateText, now: board.now)
            StandardOutput.write(Array((text.lines(width: 100, height: .max).joined(separator: "\n") + "\n").utf8))
        }
    }

    /// Waits while another thread prints lines.
    private func waitForEnd(_ board: TopBoard) throws {
        while HostProcess.waitForSignal(milliseconds: 250) == nil { try Self.endOfLink(board) }
    }

    /// Ends the command where there is no use in trying again.
    private static func endOfLink(_ board: TopBoard) throws {
        guard case .refused(let reason) = board.state else { return }
        throw Refused(description: reason)
    }

    /// Told on standard error, once the terminal is as it was.
    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }
}

extension Int32 {
    /// For a wait: a moment at least, a tenth of a second at most.
    fileprivate var clamped: Int32 { Swift.min(Swift.max(self, 1), 100) }
}
