import Broker
import Hub
import TestRandomness
import Testing
import Wire

/// Who comes back to many channels by one pattern: told all that it missed, oldest first, by a cursor that stays short.
@Suite("What was missed by a pattern")
struct PatternReplayTests {
    private let all = ChannelName("p/*")!
    private let channels = (0..<100).map { ChannelName("p/\($0)")! }

    /// Channels that a cursor may name beside the pattern: those that moved of late.
    private let namedMax = 65

    private func makeHub(_ change: (inout Limits) -> Void = { _ in }) -> PacedHub {
        let world = PacedHub(change)
        world.hasOneClock = true
        return world
    }

    private func numbers(_ channel: ChannelName, in world: PacedHub) -> [UInt64] {
        (world.published[channel] ?? []).map(\.position.milliseconds)
    }

    @Test("a stream is told it in order, and names no channel that its pattern says all of")
    func stream() {
        let world = makeHub { $0.replayBytesMax = 100 }
        for _ in 0..<3 { for channel in channels { world.publish(channel) } }
        let reader = world.connect(.jsonStream, [(all, .start)])
        world.settle()
        let told = reader.positions.values.flatMap(\.self)
        #expect(told.sorted() == Array(1...300))
        #expect(reader.order == reader.order.sorted())
        #expect(reader.longestCursor <= 2)
        #expect(world.metrics.replaysDivided.value > 2)
        #expect(reader.complaints.isEmpty, "\(reader.complaints)")
        world.close(reader)
        #expect(world.hub.held.replayBytes == 0)
    }

    @Test(
        "channels that lost something are told so once each, and named only where they are few",
        arguments: [10, 100]
    )
    func gaps(lossyCount: Int) {
        let world = makeHub()
        for _ in 0..<3 { for channel in channels { world.publish(channel) } }
        for channel in channels.prefix(lossyCount) { world.forget(2, of: channel) }
        let reader = world.connect(.jsonStream, [(all, at(1))])
        world.settle()
        #expect(channels.prefix(lossyCount).allSatisfy { reader.gaps[$0] == 1 })
        #expect(reader.gaps.count == lossyCount)
        #expect(reader.longestCursor <= namedMax)
        #expect(reader.complaints.isEmpty, "\(reader.complaints)")
    }

    private func at(_ milliseconds: UInt64) -> Position { Position(milliseconds: milliseconds, sequence: 0) }

    @Test("whoever is cut off anywhere goes on by its cursor: nothing is told twice or never", arguments: 0..<12)
    func cuts(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = makeHub {
            $0.replayAheadBytesMax = [1, 400].randomElement(using: &random)!
            $0.replayBytesMax = [1, 30, 10_000].randomElement(using: &random)!
        }
        world.sharesPositions = Bool.random(using: &random)
        world.pageCountMax = [1, 3, .max].randomElement(using: &random)!
        var told: [ChannelName: [UInt64]] = [:]
        var cursor = Cursor([all: .start])
        var reader = world.connect(.jsonStream, [(all, .start)])
        func cutOff() {
            world.close(reader)
            cursor = reader.cursor ?? cursor
            for (channel, positions) in reader.positions { told[channel, default: []] += positions }
            #expect(reader.complaints.isEmpty, "\(reader.complaints.prefix(3))")
            #expect(reader.longestCursor <= 2 * namedMax)
        }
        for _ in 0..<1_500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50: world.publish(channels.randomElement(using: &random)!)
            case 50..<60: reader.isFull = true
            case 60..<70:
                // As much as it is sent, or just so much.
                reader.messagesUntilFull = [nil, 1, 10].randomElement(using: &random)!
                world.unblock(reader)
            case 70..<90: for _ in 0..<Int.random(in: 0..<40, using: &random) { _ = world.answerNext() }
            case 90..<92:
                cutOff()
                let entries = cursor.positions.filter { !$0.key.isPattern }
                reader = world.connect(.jsonStream, [(all, cursor.positions[all])], entries: entries)
            default: world.turn()
            }
        }
        reader.messagesUntilFull = nil
        world.unblock(reader)
        for _ in 0..<200 { world.settle() }
        cutOff()
        for channel in channels { #expect(told[channel] ?? [] == numbers(channel, in: world), "\(channel)") }
        #expect(world.hub.held.replayBytes == 0)
    }

    @Test("polls go on by their cursors, which stay short", arguments: [50, 2_000, 100_000])
    func polls(bytesMax: Int) {
        let world = makeHub { $0.replayBytesMax = 500 }
        for _ in 0..<3 { for channel in channels { world.publish(channel, bytes: 10) } }
        var told: [ChannelName: [UInt64]] = [:]
        var cursor = Cursor([all: .start])
        var answers = 0
        while told.values.reduce(0, { $0 + $1.count }) < 300, answers < 400 {
            let entries = cursor.positions.filter { !$0.key.isPattern }
            let poll = world.poll([(all, cursor.positions[all])], entries: entries, bytesMax: bytesMax)
            world.settle()
            for (channel, positions) in poll.positions { told[channel, default: []] += positions }
            cursor = poll.cursor
            answers += 1
            #expect(cursor.positions.count <= namedMax)
        }
        for channel in channels { #expect(told[channel] == numbers(channel, in: world), "\(channel)") }
        #expect(answers > 1 && answers < 300)
    }
}
