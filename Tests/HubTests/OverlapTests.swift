import Broker
import Hub
import TestRandomness
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

    @Test("who is to have the newest, and that is gone, is told the gap up to there", arguments: [true, false])
    func newestIsGap(isCompressed: Bool) {
        let world = makeHub { $0.compressedMessageBytesMin = 1_000_000 }
        (world.policy, world.windowBytesMax) = (.latest, 1_024)
        if isCompressed { world.compression = .shared }
        let reader = world.connect(.webSocket, [])
        if isCompressed { reader.client.pointee.encoding = Encoding(.webSocket, .perseid, .deflated) }
        world.join(reader, [(a, nil)])
        world.settle()
        world.publish(a)
        world.turn()
        reader.isFull = true
        for _ in 0..<40 {
            world.publish(a, bytes: 300)
            world.turn()
        }
        world.hub.takeGap(in: a, from: at(41), to: at(50))
        world.turn()
        world.unblock(reader)
        #expect(numbers(reader, a) == [1] && reader.places[a] == at(50))
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

    // MARK: Asked for at once

    @Test("who comes back with a pattern and one of its channels is subscribed to both, and told what it missed once")
    func together() {
        let world = makeHub { $0.openMilliseconds = 10_000 }
        let other = world.connect(.webSocket, [(all, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        world.publish(b)
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(all, .start), (a, at(1))], entries: [a: at(1)])
        world.publish(a)
        world.settle()
        world.pass(milliseconds: 20_000)
        world.publish(a)
        world.settle()
        #expect(reader.subscribed == [all: 1, a: 1])
        #expect(numbers(reader, a) == [2, 3, 5, 6] && numbers(reader, b) == [4])
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    @Test("who comes back with two patterns is told in order what it missed by either, and what is new")
    func patternsTogether() {
        let world = makeHub()
        let other = world.connect(.webSocket, [(all, nil), (deep, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(all, at(1)), (deep, at(1))], entries: [a: at(1)])
        world.publish(a)
        world.turn()
        world.settle()
        world.publish(a)
        world.settle()
        #expect(reader.subscribed == [all: 1, deep: 1])
        #expect(numbers(reader, a) == [2, 3, 4, 5])
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    // MARK: Asked for one after the other

    @Test("a pattern that is open waits for a channel of it of which something was missed")
    func patternBehindChannel() {
        let world = makeHub()
        let other = world.connect(.webSocket, [(all, nil)])
        world.settle()
        for _ in 0..<4 { world.publish(a) }
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(a, at(2))])
        world.join(reader, [(all, nil)])
        world.publish(a)
        world.turn()
        world.settle()
        world.publish(a)
        world.settle()
        #expect(reader.subscribed == [all: 1, a: 1])
        #expect(numbers(reader, a) == [3, 4, 5, 6])
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    @Test("a pattern waits for a channel that its reader fell behind in, and is told of by history")
    func patternBehindMerging() {
        let world = makeHub { $0.replayAheadBytesMax = 1 }
        world.windowBytesMax = 1_024
        let other = world.connect(.webSocket, [(all, nil)])
        let reader = world.connect(.webSocket, [(a, nil)])
        world.settle()
        world.publish(a)
        world.turn()
        reader.isFull = true
        for _ in 0..<20 {
            world.publish(a, bytes: 300)
            world.turn()
        }
        world.join(reader, [(all, nil)], byCommand: true)
        world.turn()
        world.publish(a)
        world.publish(b)
        world.turn()
        world.unblock(reader)
        world.publish(a)
        world.turn()
        world.settle()
        world.publish(b)
        world.settle()
        #expect(reader.subscribed == [all: 1, a: 1])
        #expect(numbers(reader, a) == Array(1...22) + [24] && numbers(reader, b).last == 25)
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    @Test(
        "a channel of a pattern that is about to be subscribed can be asked for by itself, and stays when the pattern goes"
    )
    func channelBehindPattern() {
        let world = makeHub()
        let other = world.connect(.webSocket, [(all, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(all, at(1))], byCommand: true)
        #expect(!world.hub.isSubscribed(reader.slot, to: a))
        world.join(reader, [(a, nil)], byCommand: true)
        #expect(world.hub.isSubscribed(reader.slot, to: a))
        #expect(Set(world.hub.channels(of: reader.slot)) == [a, all])
        world.settle()
        #expect(reader.subscribed == [all: 1, a: 1])
        world.publish(a)
        world.turn()
        #expect(world.hub.unsubscribe(reader.slot, from: all))
        world.publish(a)
        world.turn()
        #expect(numbers(reader, a) == [2, 3, 4, 5])
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    @Test("who does not have a channel by itself cannot give it up, and keeps the pattern that it waits for")
    func channelOfPattern() {
        let world = makeHub()
        let other = world.connect(.webSocket, [(all, nil)])
        world.settle()
        for _ in 0..<3 { world.publish(a) }
        let reader = world.connect(.webSocket, [])
        world.join(reader, [(all, at(1))], byCommand: true)
        #expect(!world.hub.unsubscribe(reader.slot, from: a))
        world.settle()
        world.publish(a)
        world.settle()
        #expect(reader.subscribed == [all: 1])
        #expect(numbers(reader, a) == [2, 3, 4])
        for each in [reader, other] { #expect(each.complaints.isEmpty, "\(each.complaints)") }
    }

    // MARK: Whatever comes and goes

    /// A reader of a name that it keeps, who asks for others and gives them up.
    private final class Wanderer {
        let reader: TestReader
        let base: ChannelName
        /// Where it stood when it came back.
        let start: [ChannelName: Position]
        var others: Set<ChannelName>

        init(
            _ reader: TestReader,
            _ base: ChannelName,
            _ others: Set<ChannelName> = [],
            start: [ChannelName: Position] = [:]
        ) {
            (self.reader, self.base, self.others, self.start) = (reader, base, others, start)
        }
    }

    @Test(
        "nobody is told anything twice, out of order or never, whatever names it asks for and gives up",
        arguments: 0..<40
    )
    func interleavings(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = makeHub {
            $0.replayAheadBytesMax = 1
            $0.replayBytesMax = 20
        }
        world.windowBytesMax = 4_096
        let names = [a, b, all, deep]
        var live: [Wanderer] = []

        func comeBack(_ old: Wanderer) -> Wanderer {
            let places = old.reader.places
            let reader = world.connect(.webSocket, [])
            reader.inherit(old.reader)
            let asked = old.others.filter { places[$0] != nil }.union([old.base])
            world.join(reader, asked.map { ($0, places[$0]) }, entries: places.filter { !$0.key.isPattern })
            let others = asked.subtracting([old.base])
            return Wanderer(reader, old.base, others, start: places[old.base] == nil ? [:] : places)
        }
        for _ in 0..<1_500 {
            let wanderer = live.randomElement(using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40: world.publish([a, b].randomElement(using: &random)!)
            case 40..<46 where live.count < 8:
                let reader = world.connect(.webSocket, [])
                let base = [a, all].randomElement(using: &random)!
                world.join(reader, [(base, nil)], byCommand: true)
                live.append(Wanderer(reader, base))
            case 46..<50:
                guard let wanderer, let place = live.firstIndex(where: { $0 === wanderer }) else { break }
                world.close(wanderer.reader)
                live[place] = comeBack(wanderer)
            case 50..<60:
                guard let wanderer, let name = names.randomElement(using: &random),
                    !world.hub.isSubscribed(wanderer.reader.slot, to: name)
                else { break }
                wanderer.others.insert(name)
                world.join(wanderer.reader, [(name, nil)], byCommand: Bool.random(using: &random))
            case 60..<65:
                guard let wanderer, let name = wanderer.others.randomElement(using: &random) else { break }
                wanderer.others.remove(name)
                #expect(world.hub.unsubscribe(wanderer.reader.slot, from: name))
            case 65..<68: wanderer?.reader.isFull = true
            case 68..<72: if let wanderer { world.unblock(wanderer.reader) }
            case 72..<88: _ = world.answerNext()
            default: world.turn()
            }
            live.removeAll { wanderer in
                guard wanderer.reader.complaints.contains("bye tooSlow") else { return false }
                world.close(wanderer.reader)
                return true
            }
        }
        for wanderer in live { world.unblock(wanderer.reader) }
        for _ in 0..<50 { world.settle() }
        for wanderer in live { check(wanderer, in: world) }
        for wanderer in live { world.close(wanderer.reader) }
        world.settle()
        #expect(world.metrics.subscriptions.value == 0 && world.metrics.topics.value == 0)
    }

    private func check(_ wanderer: Wanderer, in world: PacedHub) {
        let reader = wanderer.reader
        #expect(reader.complaints.isEmpty, "\(reader.complaints.prefix(3))")
        #expect(reader.gaps.isEmpty)
        #expect(reader.subscribed[wanderer.base] != nil)
        for channel in [a, b] where wanderer.base == channel || wanderer.base.stands(for: channel) {
            let told = numbers(reader, channel)
            let published = (world.published[channel] ?? []).map(\.position.milliseconds)
            if let start = wanderer.start[channel] {
                #expect(told == published.filter { $0 > start.milliseconds }, "\(channel) from \(start)")
            } else if let first = told.first {
                #expect(told == published.filter { $0 >= first }, "\(channel) from \(first)")
            }
        }
    }
}
