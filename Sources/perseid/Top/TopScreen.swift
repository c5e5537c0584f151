import Reactor

/// Draws the board in a terminal once a second; where there is none, prints it one below the other.
struct TopScreen {
    private let board: TopBoard

    init(_ board: TopBoard) { self.board = board }

    /// Goes on until a signal, the key q, or an error of `check`; the terminal is then as it was.
    func run(until check: () throws -> Void) throws {
        guard let terminal = Terminal() else { return try printEachSecond(check) }
        terminal.enter()
        defer { terminal.leave() }
        while true {
            try check()
            draw(terminal)
            for _ in 0..<10 {
                guard HostProcess.waitForSignal(milliseconds: 100) == nil, !terminal.isQuitWanted else { return }
            }
        }
    }

    private func printEachSecond(_ check: () throws -> Void) throws {
        repeat {
            try check()
            let text = TopText(nodes: board.nodes.histories, state: board.stateText, now: board.now)
            let lines = text.lines(width: 100, height: .max) + [""]
            StandardOutput.write(Array((lines.joined(separator: "\n") + "\n").utf8))
        } while HostProcess.waitForSignal(milliseconds: 1_000) == nil
    }

    private func draw(_ terminal: Terminal) {
        let (width, height) = terminal.size
        let text = TopText(nodes: board.nodes.histories, state: board.stateText, now: board.now)
        terminal.show(text.lines(width: width, height: height), boldLines: [0, 1])
    }
}
