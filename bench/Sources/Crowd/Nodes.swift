/// Which node a client goes to: the one with the fewest clients, as a balancer with `leastconn` would choose.
///
/// A node that is gone has the fewest of all. So one that broke or refused a connection is left alone for a while, and
/// then has to answer a single one before it gets more.
struct Nodes {
    private let board: Board
    private var states: [State]
    private var draw = SystemRandomNumberGenerator()

    static let shunMilliseconds: UInt32 = 500

    private struct State {
        /// In milliseconds since the crowd's start.
        var shunnedUntil: UInt32 = 0
        var isDoubted = false
        var isTried = false

        func mayBeChosen(atMilliseconds now: UInt32) -> Bool { shunnedUntil <= now && !(isDoubted && isTried) }
    }

    init(board: Board) {
        self.board = board
        states = Array(repeating: State(), count: board.nodeCount)
    }

    /// If none may be chosen, one is all the same: its failure has the client wait.
    mutating func choose(atMilliseconds now: UInt32) -> Int {
        // Taken in turns, the readers of a channel, whose numbers are that of the channels apart, would be at few nodes.
        let start = Int.random(in: 0..<board.nodeCount, using: &draw)
        var best = start
        var fewest = Int32.max
        for offset in 0..<board.nodeCount {
            let node = (start + offset) % board.nodeCount
            let count = board.clients(ofNode: node)
            guard count < fewest, states[node].mayBeChosen(atMilliseconds: now) else { continue }
            best = node
            fewest = count
        }
        states[best].isTried = true
        return best
    }

    /// It refused a connection, or broke one.
    mutating func doubt(_ node: Int, atMilliseconds now: UInt32) {
        states[node] = State(shunnedUntil: now &+ Nodes.shunMilliseconds, isDoubted: true)
    }

    /// It answered.
    mutating func trust(_ node: Int) {
        states[node].isDoubted = false
    }
}
