/// Which node a client goes to: the one with the fewest clients, as a balancer with `leastconn` would choose.
struct Nodes {
    private let board: Board
    /// Until when a node that refused a connection is left alone, in milliseconds since the crowd's start.
    private var shunnedUntil: [UInt32]
    private var start: Int

    static let shunMilliseconds: UInt32 = 500

    init(board: Board, crowdNumber: Int) {
        self.board = board
        shunnedUntil = Array(repeating: 0, count: board.nodeCount)
        // Each crowd looks from another one on, so that they do not all find the same one at the same time.
        start = crowdNumber % max(1, board.nodeCount)
    }

    mutating func choose(atMilliseconds now: UInt32) -> Int {
        start = (start + 1) % board.nodeCount
        var best = start
        var fewest = Int32.max
        for offset in 0..<board.nodeCount {
            let node = (start + offset) % board.nodeCount
            let count = board.clients(ofNode: node)
            guard shunnedUntil[node] <= now, count < fewest else { continue }
            best = node
            fewest = count
        }
        return best
    }

    mutating func shun(_ node: Int, atMilliseconds now: UInt32) {
        shunnedUntil[node] = now &+ Nodes.shunMilliseconds
    }
}
