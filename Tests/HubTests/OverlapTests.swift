import Broker
import Hub
import Testing
import Wire

/// Names that have channels in common, and are read by one client: it is told everything once, and in order.
@Suite("Names that overlap")
struct OverlapTests {
    private let a = ChannelName("p/a")!
    private let b = ChannelName("p/b")!
    private let all = ChannelName("p/*")!
    private let deep = ChannelName("p/**")!

    private func makeHub(_ change: (inout Limits) -> Void = { _ in }) -> PacedHub {
        let world = PacedHub(change)
        world.hasOneClock = true
        return world
    }

    private func numbers(_ reader: TestReader, _ channel: ChannelName) -> [UInt64] { reader.positions[channel] ?? [] }

    private func at(_ milliseconds: UInt64) -> Position { Position(milliseconds: milliseconds, sequence: 0) }

    // MARK: From one feed to another

    @Test("who fell out of the window and asks for more is told the gap", arguments: [SlowReaderPolicy.skip, .latest])
    func skipping(policy: SlowReaderPolicy) {
        let world = makeHub()
        (world.policy, world.windowBytesMax) = (policy, 1_024)
        let other = world.connect(.webSocket, [(a, nil)])
        let reader = world.connect(.webSocket, [(a, nil)])
        world.settle()
        world.publish(a)
        world.turn()
        reader.isFull = true
        for _ in 0..<40 {
            world.publish(a, bytes: 300)
            world.turn()
        }
        world.join(reader, [(all, nil)], byCommand: true)
        world.settle()
        world.unblock(reader)
        world.publish(a)
        world.publish(b)
        world.settle()
        #expect(numbers(other, a) == Array(1...42))
        #expect(numbers(reader, a) == (policy == .latest ? [1, 41, 42] : [1, 42]))
        #expect(numbers(reader, b) == [43])
        #expect(reader.gaps[a] == 1)
        #expect(reader.complaints.isEmpty, "\(reader.complaints)")
    }

    @Test("who is yet to be told what it missed has that before what is new, whatever else it asks for")
    func replayBeforeFeed() {
        let world = makeHub { $0.replayAheadBytesMax = 1 }
        let other = world.connect(.webSocket, [(all, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        let reader = world.connect(.webSocket, [(all, .start)])
        reader.isFull = true
        world.settle()
        world.publish(a)
        world.turn()
        world.join(reader, [(deep, nil)], byCommand: true)
        world.settle()
        world.publish(a)
        world.turn()
        world.unblock(reader)
        world.publish(a)
        world.settle()
        #expect(numbers(reader, a) == Array(1...6))
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    @Test("the same where it no longer wants one of several names that it reads together", arguments: [true, false])
    func replayBeforeRest(wantsDeep: Bool) {
        let world = makeHub { $0.replayAheadBytesMax = 1 }
        let other = world.connect(.webSocket, [(all, nil), (deep, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(all, .start)], byCommand: true)
        reader.isFull = true
        world.settle()
        world.join(reader, [(deep, nil)], byCommand: true)
        world.settle()
        world.publish(a)
        world.turn()
        #expect(world.hub.unsubscribe(reader.slot, from: wantsDeep ? all : deep))
        world.publish(a)
        world.turn()
        world.unblock(reader)
        world.publish(a)
        world.settle()
        // What it missed by a name that it no longer wants it is not told, but for what was sent.
        #expect(numbers(reader, a) == (wantsDeep ? [1, 4, 5, 6] : Array(1...6)))
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }
}
