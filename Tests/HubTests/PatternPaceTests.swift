import Broker
import Hub
import TestRandomness
import Testing
import Wire

/// Readers of patterns that are told only so often.
@Suite("Paces of patterns")
struct PatternPaceTests {
    private let a = ChannelName("p/a")!
    private let b = ChannelName("p/b")!
    private let all = ChannelName("p/*")!
    private let twice = Pace(MaxRate("2")!)

    private func makeHub(_ change: (inout Limits) -> Void = { _ in }) -> PacedHub {
        let world = PacedHub(change)
        world.hasOneClock = true
        return world
    }

    private func numbers(_ reader: TestReader) -> [UInt64] { (reader.positions.values.flatMap(\.self)).sorted() }

    @Test(
        "the slowest rule counts of what is read together, and nobody is told oftener",
        arguments: [
            CarrierID.webSocket, .jsonStream,
        ]
    )
    func ceiling(carrier: CarrierID) {
        let world = makeHub()
        world.rules = [a: PaceRule(rateMax: MaxRate("2"))]
        world.publish(b)
        let reader = world.connect(carrier, [(all, nil)])
        world.settle()
        #expect(reader.rates[all] == nil)
        world.publish(b)
        world.publish(b)
        world.turn()
        #expect(numbers(reader) == [2, 3], "nothing slow is there yet")
        for _ in 0..<20 {
            world.publish(a)
            world.publish(b)
            world.pass(milliseconds: 100)
        }
        let other = world.connect(carrier, [(all, nil)])
        world.settle()
        #expect(other.rates[all] == 2)
        world.pass(milliseconds: 1_000)
        #expect(numbers(reader) == Array(2...43))
        #expect(reader.shortestInterval(in: a) == 500)
        #expect(world.metrics.pacers.value == 1 && world.metrics.pacedBytes.value == 0)
        // Other rules: nothing is held back any more.
        world.publish(a)
        world.publish(b)
        world.turn()
        world.publish(b)
        world.rules = [:]
        world.hub.pacesChanged()
        world.turn()
        world.publish(b)
        world.turn()
        for each in [reader, other] {
            #expect(numbers(each).suffix(4) == [44, 45, 46, 47])
            #expect(each.complaints.isEmpty, "\(each.complaints)")
        }
        world.rules = [b: PaceRule(rateMax: MaxRate("2"))]
        world.hub.pacesChanged()
        world.publish(a)
        world.turn()
        world.publish(a)
        world.turn()
        #expect(numbers(reader).last == 48)
        for each in [reader, other] { world.close(each) }
        world.hub.weighAll()
        #expect(world.metrics.pacers.value == 0 && world.metrics.pacedBytes.value == 0)
    }

    @Test(
        "who asks for a pace has the newest of each key of each channel in a batch; who comes between has none of it twice"
    )
    func asked() {
        let world = makeHub()
        world.keyed = [all, a, b]
        let reader = world.connect(.webSocket, [(all, nil)], twice)
        world.settle()
        #expect(reader.rates[all] == 2)
        for number in 0..<10 { for channel in [a, b] { world.publish(channel, "k\(number % 2)") } }
        world.turn()
        #expect(numbers(reader) == Array(17...20))
        for number in 0..<10 { for channel in [a, b] { world.publish(channel, "k\(number % 2)") } }
        let second = world.connect(.webSocket, [(all, nil)], twice)
        world.settle()
        #expect(numbers(second) == Array(37...40) && second.snapshotCount == 4)
        world.publish(a, "k1")
        #expect(numbers(reader) == Array(17...20))
        world.pass(milliseconds: 500)
        #expect(numbers(reader) == Array(17...20) + [37, 38, 40, 41])
        #expect(numbers(second) == Array(37...41) && second.snapshotCount == 4)
        #expect(world.metrics.paceLeftOut.value == 33)
        world.publish(b, "k1")
        world.pass(milliseconds: 500)
        for each in [reader, second] {
            #expect(numbers(each).last == 42)
            #expect(each.complaints.isEmpty, "\(each.complaints)")
        }
    }

    @Test(
        "a newcomer to a pattern is told the newest of each key, marked as a snapshot; of what is not keyed nothing is"
    )
    func snapshots() {
        let world = makeHub()
        world.keyed = [all, a]
        for channel in [a, b, a] { world.publish(channel, "k") }
        for carrier in [CarrierID.webSocket, .jsonStream] {
            let reader = world.connect(carrier, [(all, nil)])
            world.settle()
            #expect(numbers(reader) == [2, 3] && reader.snapshotCount == 1, "\(carrier)")
            #expect(reader.gaps.isEmpty && reader.complaints.isEmpty)
        }
        let poll = world.poll([(all, nil)])
        world.settle()
        #expect(poll.positions == [a: [3], b: [2]] && poll.snapshotCount == 1)
        // Who comes back is told what changed, which is none.
        world.publish(a, "k")
        let cursor = poll.cursor.positions
        let next = world.poll([(all, cursor[all])], entries: cursor)
        world.settle()
        #expect(next.positions == [a: [4]] && next.snapshotCount == 0)
    }

    @Test("what is more than a window is told before its time; a payload without a position keeps its place")
    func room() {
        let world = makeHub()
        let reader = world.connect(.webSocket, [(a, nil), (all, nil)], twice)
        world.settle()
        world.publish(a)
        world.turn()
        world.publish(b)
        world.hub.take(Payload(kind: .text, bytes: [0x78]), in: a)
        for _ in 0..<20 { world.publish(b, bytes: 10_000) }
        world.turn()
        #expect(world.metrics.paceHurries.value > 0 && numbers(reader).count > 5)
        world.pass(milliseconds: 1_000)
        #expect(numbers(reader) == Array(1...22) && reader.gaps.isEmpty)
    }

    @Test("a gap begins where the readers of a pattern stand", arguments: [CarrierID.webSocket, .jsonStream])
    func gaps(carrier: CarrierID) {
        let world = makeHub()
        world.keyed = [all, a]
        let reader = world.connect(carrier, [(all, nil)], twice)
        world.settle()
        world.publish(a, "k")
        world.turn()
        world.publish(a, "k")
        let ahead = world.connect(carrier, [(all, nil)], twice)
        world.settle()
        let (lost, next) = (Position(milliseconds: 7, sequence: 0), Position(milliseconds: 8, sequence: 0))
        world.hub.takeGap(in: a, from: Position(milliseconds: 2, sequence: 0), to: lost)
        let payload = Payload(kind: .text, bytes: [0x38], key: PublicationKey("k"))
        world.hub.take(Publication(position: next, previous: lost, payload: payload), in: a)
        world.pass(milliseconds: 500)
        #expect(numbers(reader) == [1, 2, 8] && numbers(ahead) == [2, 8])
        for each in [reader, ahead] {
            #expect(each.gaps[a] == 1)
            #expect(each.complaints.isEmpty, "\(each.complaints)")
        }
    }

    @Test(
        "no reader of a pattern is told anything twice or never, nor too often, whatever comes and goes",
        arguments: 0..<40
    )
    func interleavings(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = makeHub()
        let channels = ["p/a", "p/b", "p/c", "p/d"].map { ChannelName($0)! }
        world.keyed = [channels[2]]
        world.rules = [channels[1]: PaceRule(rateMax: MaxRate("4"))]
        let paces = [Pace.any] + ["0.5", "2", "20"].map { Pace(MaxRate($0)!) }
        var live: [TestReader] = []
        func connect(_ asked: [(ChannelName, Position?)], _ entries: [ChannelName: Position] = [:]) -> TestReader {
            let carrier = [CarrierID.webSocket, .jsonStream].randomElement(using: &random)!
            return world.connect(carrier, asked, paces.randomElement(using: &random)!, entries: entries)
        }
        for _ in 0..<1_500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50:
                let key = "k\(Int.random(in: 0..<6, using: &random))"
                world.publish(channels.randomElement(using: &random)!, key)
            case 50..<56 where live.count < 12:
                let isBoth = Bool.random(using: &random)
                live.append(connect(isBoth ? [(all, nil), (channels[0], nil)] : [(all, nil)]))
            case 56..<63 where !live.isEmpty:
                let place = live.indices.randomElement(using: &random)!
                let old = live[place]
                world.close(old)
                guard let cursor = old.cursor, old.carrier == .jsonStream else {
                    live.remove(at: place)
                    break
                }
                let new = connect([(all, cursor.positions[all])], cursor.positions)
                new.inherit(old)
                live[place] = new
            case 63..<66: if let reader = live.randomElement(using: &random) { reader.isFull = true }
            case 66..<72: if let reader = live.randomElement(using: &random) { world.unblock(reader) }
            case 72..<85: _ = world.answerNext()
            case 85..<93: world.pass(milliseconds: UInt64.random(in: 1...150, using: &random))
            default: world.turn()
            }
        }
        for _ in 0..<3 {
            for reader in live { world.unblock(reader) }
            world.settle()
            world.pass(milliseconds: 2_001)
        }
        let head = Dictionary(uniqueKeysWithValues: channels.map { ($0, world.published[$0]?.last?.position) })
        for reader in live {
            #expect(reader.complaints.isEmpty, "\(reader.complaints.prefix(3))")
            #expect(reader.gaps.isEmpty)
            for (channel, told) in reader.positions {
                #expect(told.last == head[channel]??.milliseconds, "\(channel)")
                guard !world.keyed.contains(channel) else { continue }
                let expected = world.published[channel]?.map(\.position.milliseconds).filter { $0 >= told[0] }
                #expect(told == expected, "all of \(channel) from where it began")
            }
            guard !reader.wasFull, let shortest = reader.shortestInterval(in: channels[1]) else { continue }
            #expect(shortest >= 250)
        }
        for reader in live { world.close(reader) }
        world.hub.weighAll()
        #expect(world.metrics.pacers.value == 0 && world.metrics.pacedBytes.value == 0)
    }
}
