import Testing

@testable import Crowd

/// What a checker must find, and what it must let pass.
@Suite struct CheckerTests {
    private let bytes: UnsafeMutableRawPointer
    private let board: Board
    private let checker: Checker

    init() {
        let byteCount = Board.channelsOffset + 4_096
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        let head = bytes.assumingMemoryBound(to: UInt32.self)
        (head[0], head[1], head[2], head[3], head[4]) = (Board.magic, 4, 2, 20, 100)
        board = Board(bytes: bytes, crowdNumber: 1)
        checker = Checker(board: board, channels: Channels(counts: board.channelCounts))
    }

    @Test func whatComesOnceAndInOrderIsDelivered() {
        deliver([1, 2, 3])
        #expect(counts == [3, 0, 0, 0, 0])
    }

    @Test func whatIsSkippedIsLost() {
        deliver([1, 4])
        #expect(counts == [2, 2, 0, 0, 0])
    }

    @Test func whatComesTwiceIsDoubled() {
        deliver([1, 2, 2])
        #expect(counts == [3, 0, 1, 0, 0])
    }

    @Test func whatComesLateIsReordered() {
        deliver([1, 3, 2])
        #expect(counts == [3, 1, 0, 1, 0])
    }

    @Test func whatIsOfAnotherChannelIsForeign() {
        deliver([1], channel: 6)
        #expect(counts == [0, 0, 0, 0, 1])
    }

    @Test func whatIsOfAKindThatIsNotReadIsForeign() {
        deliver([1], kind: 1, channel: 1)
        #expect(counts == [0, 0, 0, 0, 1])
    }

    @Test func theEndIsMissed() {
        let state = deliver([1, 2])
        // Client 25 reads ten/5: behind the one of all, and two of a thousand.
        (bytes + Board.channelsOffset).assumingMemoryBound(to: UInt32.self)[1 + 2 + 5] = 4
        #expect(checker.missing(of: state, client: 25) == 2)
    }

    private var counts: [Int] {
        [Counter.delivered, .lost, .doubled, .reordered, .foreign].map(board.value)
    }

    @discardableResult
    private func deliver(_ sequences: [UInt32], kind: Int = 2, channel: UInt32 = 5) -> Client {
        var state = Client()
        state.joined = 0b100
        for sequence in sequences {
            let publication = Message.Publication(
                kind: kind,
                channel: channel,
                position: Position(milliseconds: UInt64(sequence), number: 0),
                publication: sequence,
                sequence: sequence,
                nanoseconds: 0
            )
            checker.check(publication, to: &state, client: 25, at: 1_000)
        }
        return state
    }
}
