import Broker
import Hub
import TestRandomness
import Testing
import Wire

/// Readers that are told only so often.
@Suite("Pace")
struct PaceTests {
    private let prices = ChannelName("prices")!
    private let news = ChannelName("news")!
    private let twice = Pace(MaxRate("2")!)

    /// The node: `prices` is keyed.
    private func makeHub(_ change: (inout Limits) -> Void = { _ in }) -> PacedHub {
        let world = PacedHub(change)
        world.keyed = [prices]
        return world
    }

    private func numbers(_ reader: TestReader, _ channel: ChannelName) -> [UInt64] { reader.positions[channel] ?? [] }

    @Test(
        "the first is told at once, what follows in a batch that has the newest of each key",
        arguments: [CarrierID.webSocket, .jsonStream]
    )
    func keyed(carrier: CarrierID) {
        let world = makeHub()
        let reader = world.connect(carrier, [(prices, nil)], twice)
        let plain = world.connect(carrier, [(prices, nil)])
        world.settle()
        for number in 0..<10 {
            world.publish(prices, "k\(number % 2)")
            world.pass(milliseconds: 20)
        }
        #expect(numbers(reader, prices) == [1])
        #expect(numbers(plain, prices) == Array(1...10))
        world.pass(milliseconds: 299)
        #expect(numbers(reader, prices) == [1])
        world.pass(milliseconds: 1)
        #expect(numbers(reader, prices) == [1, 9, 10])
        #expect(reader.rates[prices] == 2 && plain.rates[prices] == nil)
        world.pass(milliseconds: 10_000)
        world.publish(prices, "k0")
        world.turn()
        #expect(numbers(reader, prices).last == 11, "it was quiet for long enough")
        #expect(world.metrics.paceLeftOut.value == 7)
        #expect(world.metrics.pacers.value == 1)
    }

    @Test("a newcomer is told the newest of each key at once, and none of it again; later readers share the batch")
    func newcomers() {
        let world = makeHub()
        let first = world.connect(.webSocket, [(prices, nil)], twice)
        world.settle()
        for number in 0..<4 { world.publish(prices, "k\(number % 4)") }
        world.turn()
        world.publish(prices, "k0")
        world.publish(prices, "k9")
        #expect(numbers(first, prices) == [1, 2, 3, 4], "one turn, one batch")
        let second = world.connect(.jsonStream, [(prices, nil)], twice)
        let third = world.connect(.webSocket, [(prices, nil)], twice)
        world.settle()
        #expect(numbers(second, prices) == [2, 3, 4, 5, 6])
        world.publish(prices, "k1")
        world.publish(prices, "k0")
        let fourth = world.connect(.webSocket, [(prices, nil)], twice)
        world.settle()
        #expect(numbers(fourth, prices) == [3, 4, 6, 7, 8])
        world.pass(milliseconds: 500)
        #expect(numbers(first, prices) == [1, 2, 3, 4, 6, 7, 8])
        for reader in [second, third] { #expect(numbers(reader, prices) == [2, 3, 4, 5, 6, 7, 8]) }
        #expect(numbers(fourth, prices) == [3, 4, 6, 7, 8])
        world.publish(prices, "k5")
        world.pass(milliseconds: 500)
        for reader in [first, second, third, fourth] { #expect(numbers(reader, prices).last == 9) }
    }

    @Test("a channel without keys: all in a batch, or the newest only, by rule; a rule's rate is for everybody")
    func rules() {
        let world = makeHub()
        let newest = ChannelName("newest")!
        world.rules = [
            news: PaceRule(rateMax: MaxRate("4")), newest: PaceRule(rateMax: MaxRate("4"), tellsNewestOnly: true),
        ]
        let reader = world.connect(.webSocket, [(news, nil), (newest, nil)])
        let slower = world.connect(.webSocket, [(news, nil)], twice)
        let faster = world.connect(.webSocket, [(news, nil)], Pace(MaxRate("20")!))
        world.settle()
        for _ in 0..<100 {
            world.publish(news)
            world.publish(newest)
            world.pass(milliseconds: 10)
        }
        world.pass(milliseconds: 1_000)
        for each in [reader, slower, faster] { #expect(numbers(each, news) == Array(1...100)) }
        #expect(numbers(reader, newest).last == 100 && numbers(reader, newest).count <= 6)
        #expect(reader.shortestInterval(in: news) == 250 && faster.shortestInterval(in: news) == 250)
        #expect(slower.shortestInterval(in: news) == 500)
        #expect(reader.rates[news] == 4 && faster.rates[news] == 4 && slower.rates[news] == 2)
        // Other rules: what is held back is told, and nothing is held back from those who did not ask for it.
        world.publish(news)
        world.publish(news)
        world.turn()
        world.publish(news)
        world.rules = [:]
        world.hub.pacesChanged()
        world.turn()
        #expect(numbers(reader, news).last == 103)
        world.publish(news)
        world.turn()
        #expect(numbers(reader, news).last == 104 && numbers(slower, news).last == 102)
        world.rules = [news: PaceRule(rateMax: MaxRate("1"))]
        world.hub.pacesChanged()
        world.publish(news)
        world.turn()
        world.publish(news)
        world.turn()
        #expect(numbers(reader, news).last == 105)
        world.pass(milliseconds: 2_000)
        for each in [reader, slower, faster] { #expect(numbers(each, news) == Array(1...106)) }
    }

    @Test("what has no room is told as a gap, at its place; all that is held back is bounded")
    func room() {
        let world = makeHub { $0.pacedBytesMax = 200_000 }
        let reader = world.connect(.webSocket, [(news, nil)], twice)
        world.settle()
        world.publish(news)
        world.turn()
        for _ in 0..<20 { world.publish(news, bytes: 10_000) }
        world.pass(milliseconds: 500)
        #expect(numbers(reader, news) == [1] + Array(16...21) && reader.gaps[news] == 1)
        // Five channels of which each may hold 64 KiB back.
        let names = (0..<5).map { ChannelName("many/\($0)")! }
        let other = world.connect(.webSocket, names.map { ($0, nil) }, twice)
        world.settle()
        for name in names { world.publish(name) }
        world.turn()
        for _ in 0..<6 { for name in names { world.publish(name, bytes: 10_000) } }
        #expect(world.metrics.paceHurries.value > 0)
        world.pass(milliseconds: 1_000)
        for name in names { #expect(numbers(other, name) == Array(1...7)) }
        world.hub.weighAll()
        #expect(world.metrics.pacedBytes.value == 0)
        for each in [reader, other] { world.close(each) }
        #expect(world.metrics.pacers.value == 0)
    }

    @Test("gaps and payloads without a position keep their places")
    func others() {
        let world = makeHub()
        let reader = world.connect(.jsonStream, [(news, nil)], twice)
        world.settle()
        world.publish(news)
        world.turn()
        world.publish(news)
        world.hub.takeGap(
            in: news,
            from: Position(milliseconds: 2, sequence: 0),
            to: Position(milliseconds: 7, sequence: 0)
        )
        world.pass(milliseconds: 499)
        #expect(reader.gaps[news] == nil)
        world.pass(milliseconds: 1)
        #expect(numbers(reader, news) == [1, 2] && reader.gaps[news] == 1)
        #expect(reader.places[news] == Position(milliseconds: 7, sequence: 0))
    }

    @Test("a gap behind what was left out begins where its readers stand")
    func gapBehindReplaced() {
        let world = makeHub()
        let reader = world.connect(.jsonStream, [(prices, nil)], twice)
        world.settle()
        world.publish(prices, "a")
        world.turn()
        world.publish(prices, "a")
        let (lost, next) = (Position(milliseconds: 7, sequence: 0), Position(milliseconds: 8, sequence: 0))
        world.hub.takeGap(in: prices, from: Position(milliseconds: 2, sequence: 0), to: lost)
        let payload = Payload(kind: .text, bytes: [0x38], key: PublicationKey("a"))
        world.hub.take(Publication(position: next, previous: lost, payload: payload), in: prices)
        world.pass(milliseconds: 500)
        #expect(numbers(reader, prices) == [1, 8] && reader.gaps[prices] == 1)
        #expect(reader.complaints.isEmpty, "\(reader.complaints)")
    }

    @Test(
        "a gap begins where each reader stands, also one that stands further than the others of its pace",
        arguments: [
            CarrierID.webSocket, .jsonStream,
        ]
    )
    func gapBeforeWhoIsAhead(carrier: CarrierID) {
        let world = makeHub()
        let reader = world.connect(carrier, [(prices, nil)], twice)
        world.settle()
        world.publish(prices, "a")
        world.turn()
        world.publish(prices, "a")
        let ahead = world.connect(carrier, [(prices, nil)], twice)
        world.settle()
        #expect(numbers(ahead, prices) == [2] && numbers(reader, prices) == [1])
        let (lost, next) = (Position(milliseconds: 7, sequence: 0), Position(milliseconds: 8, sequence: 0))
        world.hub.takeGap(in: prices, from: Position(milliseconds: 2, sequence: 0), to: lost)
        let payload = Payload(kind: .text, bytes: [0x38], key: PublicationKey("a"))
        world.hub.take(Publication(position: next, previous: lost, payload: payload), in: prices)
        world.pass(milliseconds: 500)
        #expect(numbers(reader, prices) == [1, 8] && numbers(ahead, prices) == [2, 8])
        let after = Publication(position: Position(milliseconds: 9, sequence: 0), previous: next, payload: payload)
        world.hub.take(after, in: prices)
        world.pass(milliseconds: 500)
        for each in [reader, ahead] {
            #expect(numbers(each, prices).last == 9 && each.gaps[prices] == 1)
            #expect(each.complaints.isEmpty, "\(each.complaints)")
        }
    }

    @Test("what has no room is a gap that begins where each reader stands")
    func gapForWantOfRoom() {
        let world = makeHub()
        let reader = world.connect(.webSocket, [(news, nil)], twice)
        world.settle()
        world.publish(news)
        world.turn()
        world.publish(news, bytes: 10_000)
        let ahead = world.connect(.webSocket, [(news, nil)], twice)
        world.settle()
        for _ in 0..<20 { world.publish(news, bytes: 10_000) }
        world.pass(milliseconds: 500)
        #expect(numbers(reader, news) == [1] + Array(17...22) && numbers(ahead, news) == Array(17...22))
        for each in [reader, ahead] {
            #expect(each.gaps[news] == 1)
            #expect(each.complaints.isEmpty, "\(each.complaints)")
        }
    }

    @Test(
        "who comes back and is yet to be told what it missed has that before a batch with a gap",
        arguments: [CarrierID.webSocket, .jsonStream]
    )
    func replayBeforeGap(carrier: CarrierID) {
        let world = makeHub {
            $0.keysMax = 2
            $0.replayAheadBytesMax = 1
        }
        let first = world.connect(.webSocket, [(prices, nil)], twice)
        world.settle()
        for number in 1...3 { world.publish(prices, "k\(number)") }
        world.turn()
        world.publish(prices, "k4")
        let second = world.connect(carrier, [(prices, .start)], twice)
        second.isFull = true
        world.settle()
        for number in 5...9 { world.publish(prices, "k\(number)") }
        world.pass(milliseconds: 500)
        world.unblock(second)
        world.publish(prices, "k1")
        world.pass(milliseconds: 500)
        #expect(numbers(second, prices) == [1, 2, 3, 4, 8, 9, 10])
        for reader in [first, second] { #expect(reader.complaints.isEmpty, "\(reader.complaints)") }
    }

    @Test("no reader is told anything twice, late, too often or never, whatever comes and goes", arguments: 0..<40)
    func interleavings(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = makeHub()
        let wide = ChannelName("wide")!
        let newest = ChannelName("newest")!
        let channels = [prices, news, wide, newest]
        world.keyed = [prices, wide]
        world.rules = [wide: PaceRule(rateMax: MaxRate("4")), newest: PaceRule(tellsNewestOnly: true)]
        let paces = [Pace.any] + ["0.5", "2", "2", "5", "20"].map { Pace(MaxRate($0)!) }
        var live: [TestReader] = []

        func connect(_ asked: [(ChannelName, Position?)]) -> TestReader {
            let carrier = [CarrierID.webSocket, .jsonStream].randomElement(using: &random)!
            return world.connect(carrier, asked, paces.randomElement(using: &random)!)
        }
        for _ in 0..<1_500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50:
                let key = "k\(Int.random(in: 0..<6, using: &random))"
                world.publish(channels.randomElement(using: &random)!, key)
            case 50..<58 where live.count < 12:
                let asked = channels.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
                live.append(connect(asked.map { ($0, nil) }))
            case 58..<64 where !live.isEmpty:
                let place = live.indices.randomElement(using: &random)!
                let old = live[place]
                world.close(old)
                guard !old.places.isEmpty else {
                    live.remove(at: place)
                    break
                }
                let new = connect(old.places.map { ($0.key, $0.value) })
                new.inherit(old)
                live[place] = new
            case 64..<66 where !live.isEmpty:
                world.close(live.remove(at: live.indices.randomElement(using: &random)!))
            case 66..<69: if let reader = live.randomElement(using: &random) { reader.isFull = true }
            case 69..<73: if let reader = live.randomElement(using: &random) { world.unblock(reader) }
            case 73..<85: _ = world.answerNext()
            case 85..<93: world.pass(milliseconds: UInt64.random(in: 1...150, using: &random))
            default: world.turn()
            }
        }
        for reader in live { world.unblock(reader) }
        world.settle()
        world.pass(milliseconds: 2_001)
        world.settle()
        world.pass(milliseconds: 2_001)
        for reader in live { check(reader, in: world) }
        for reader in live { world.close(reader) }
        #expect(world.metrics.pacers.value == 0 && world.metrics.subscriptions.value == 0)
        world.hub.weighAll()
        #expect(world.metrics.pacedBytes.value == 0)
    }

    private func check(_ reader: TestReader, in world: PacedHub) {
        #expect(reader.complaints.isEmpty, "\(reader.complaints.prefix(3))")
        #expect(reader.gaps.isEmpty)
        for (channel, place) in reader.places {
            let all = world.published[channel] ?? []
            let head = all.last?.position ?? .start
            #expect(place == head || reader.positions[channel] == nil, "\(channel): \(place) of \(head)")
            if world.keyed.contains(channel) {
                var newest: [String: Position] = [:]
                for each in all { newest[each.payload.key?.text ?? ""] = each.position }
                #expect(reader.newest[channel] ?? [:] == newest, "\(channel)")
            } else if channel == news, let told = reader.positions[channel], let first = told.first {
                #expect(told == Array(first...head.milliseconds), "all of it")
            }
            let rate = world.pace(of: channel).rate(of: reader.pace)
            guard let rate, !reader.wasFull, let shortest = reader.shortestInterval(in: channel) else { continue }
            #expect(shortest >= rate.intervalMilliseconds, "\(channel) at \(rate.text)")
        }
    }
}
