import Testing

@testable import Crowd

/// Which node clients go to.
@Suite struct NodesTests {
    private let board: Board

    init() {
        let byteCount = Board.channelsOffset + 4_096
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        let head = bytes.assumingMemoryBound(to: UInt32.self)
        (head[0], head[1], head[2], head[3], head[4]) = (Board.magic, 3, 1, 1, 0)
        board = Board(bytes: bytes, crowdNumber: 0)
        for (node, count) in [Int32(5), 3, 4].enumerated() { board.changeClients(ofNode: node, by: count) }
    }

    @Test func theFewestClientsDecide() {
        var nodes = Nodes(board: board)
        #expect(nodes.choose(atMilliseconds: 0) == 1)
        board.changeClients(ofNode: 1, by: 2)
        #expect(nodes.choose(atMilliseconds: 0) == 2)
    }

    @Test func aNodeThatIsGoneIsTriedOnceInAWhile() {
        var nodes = Nodes(board: board)
        nodes.doubt(1, atMilliseconds: 1_000)
        #expect(nodes.choose(atMilliseconds: 1_001) == 2)
        let later = 1_000 + Nodes.shunMilliseconds
        #expect(nodes.choose(atMilliseconds: later) == 1)
        #expect(nodes.choose(atMilliseconds: later) == 2)
        nodes.trust(1)
        #expect(nodes.choose(atMilliseconds: later) == 1)
    }
}
