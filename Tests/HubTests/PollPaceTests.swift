import Broker
import Hub
import Testing
import Wire

/// Polls that are answered only so often.
@Suite("Paces of polls")
struct PollPaceTests {
    private let prices = ChannelName("prices")!
    private let news = ChannelName("news")!
    private let slow = Pace(MaxRate("0.5")!)

    private func position(_ milliseconds: UInt64) -> Position { Position(milliseconds: milliseconds, sequence: 0) }

    @Test("what an answer had no room for is told at once, however slow the pace is, and each of it once")
    func flood() {
        let world = PacedHub()
        var since = world.publish(news).position
        for _ in 0..<100 { world.publish(news, bytes: 1_000) }
        var told: [UInt64] = []
        let began = world.nowMilliseconds
        for number in 1...10 {
            let poll = world.poll([(news, since)], slow, bytesMax: 10_000)
            world.settle()
            if number == 10 {
                #expect(!poll.isAnswered, "what an answer has room for is a batch like others")
                world.pass(milliseconds: 2_000)
                world.settle()
            }
            #expect(poll.heldMilliseconds == (number == 10 ? 2_000 : 0), "answer \(number)")
            told += poll.positions[news] ?? []
            since = poll.cursor.positions[news] ?? since
        }
        #expect(told == Array(2...101))
        #expect(world.nowMilliseconds - began == 2_000)
    }

    @Test("a held poll that is given a channel with news is answered, and counts nowhere any more")
    func extended() {
        let world = PacedHub()
        let (first, other) = (world.publish(prices).position, world.publish(news).position)
        world.publish(prices)
        let reader = world.connect(.webSocket, [(prices, nil)])
        let poll = world.poll([(news, other)])
        world.settle()
        #expect(world.subscribers == [news: 1, prices: 1])
        #expect(world.hub.extendPoll(of: poll.poll.client.slot, with: [SessionPosition(prices, first)]))
        world.settle()
        #expect(poll.positions == [prices: [2]])
        #expect(world.subscribers == [news: 0, prices: 1])
        world.close(reader)
        world.settle()
        #expect(world.subscribers == [news: 0, prices: 0])
    }

    @Test("a poll whose session is taken before its channels are open is refused once")
    func takenEarly() {
        let world = PacedHub { $0.openMilliseconds = 1_000 }
        let poll = world.poll([(news, nil)]).poll
        var generator = SystemRandomNumberGenerator()
        let link = SessionLink(SessionID(using: &generator), saved: [])
        link.poll = poll
        world.client(at: poll.client.slot).pointee.session = link
        world.hub.loseSession(link.id, of: poll.client)
        #expect(world.refusals == [.displaced])
        world.pass(milliseconds: 2_000)
        #expect(world.refusals == [.displaced], "by then its client may wait for something else")
    }

    @Test("a channel that is given up when the poll is held is not told of")
    func givenUp() {
        let world = PacedHub()
        let first = world.publish(news).position
        let other = world.publish(prices).position
        for channel in [news, prices] { world.publish(channel) }
        world.whenHeld = { world.hub.shortenPoll(of: $0.client.slot, by: self.news) }
        let poll = world.poll([(news, first), (prices, other)], slow)
        world.settle()
        world.pass(milliseconds: 2_000)
        world.settle()
        #expect(poll.positions == [prices: [2]])
    }

    @Test("what comes is told once the interval is over since the poll came, the newest of each key; later at once")
    func interval() {
        let world = PacedHub()
        world.keyed = [prices]
        let first = world.publish(prices, "a").position
        let poll = world.poll([(prices, first)], slow)
        world.settle()
        for _ in 0..<5 {
            world.pass(milliseconds: 100)
            world.publish(prices, "a")
            world.publish(prices, "b")
        }
        world.pass(milliseconds: 1_499)
        #expect(!poll.isAnswered)
        world.pass(milliseconds: 1)
        world.settle()
        #expect(poll.heldMilliseconds == 2_000 && poll.positions[prices] == [10, 11])
        // After a quiet time nobody waits.
        let quiet = world.poll([(prices, position(11))], slow)
        world.settle()
        world.pass(milliseconds: 5_000)
        world.publish(prices, "a")
        world.turn()
        #expect(quiet.heldMilliseconds == 5_000 && quiet.positions[prices] == [12])
        // One that is held no longer than that is answered once it may be.
        let short = world.poll([(prices, position(12))], slow, holdMilliseconds: 1_000)
        world.settle()
        world.publish(prices, "a")
        world.pass(milliseconds: 1_900)
        #expect(!short.isAnswered)
        world.pass(milliseconds: 100)
        world.settle()
        #expect(short.positions[prices] == [13])
        let empty = world.poll([(prices, position(13))], slow, holdMilliseconds: 1_000)
        world.settle()
        world.pass(milliseconds: 1_000)
        #expect(empty.heldMilliseconds == 1_000 && empty.positions.isEmpty)
    }

    @Test(
        "of several channels a slow one waits without the others, and is left to the next poll where they have something"
    )
    func several() {
        let world = PacedHub()
        world.rules = [prices: PaceRule(rateMax: MaxRate("0.5"))]
        let (one, other) = (world.publish(news).position, world.publish(prices).position)
        let poll = world.poll([(news, one), (prices, other)])
        world.settle()
        world.pass(milliseconds: 100)
        world.publish(news)
        world.publish(prices)
        world.publish(news)
        world.turn()
        #expect(poll.heldMilliseconds == 100 && poll.positions == [news: [2]])
        let next = world.poll(poll.cursor.positions.map { ($0.key, $0.value) })
        world.settle()
        world.pass(milliseconds: 2_000)
        world.settle()
        #expect(next.positions == [news: [3], prices: [2]] && next.heldMilliseconds == 2_000)
    }

    @Test("who is given another channel while it waits is told that, too; who is let go of waits for nothing")
    func changes() {
        let world = PacedHub()
        let (one, other) = (world.publish(news).position, world.publish(prices).position)
        let poll = world.poll([(news, one)], slow)
        world.settle()
        world.publish(news)
        world.turn()
        #expect(world.hub.holdsPoll(of: poll.poll.client.slot) && world.metrics.polls.value == 0)
        world.publish(prices)
        #expect(world.hub.extendPoll(of: poll.poll.client.slot, with: [SessionPosition(prices, other)]))
        world.pass(milliseconds: 2_000)
        world.settle()
        #expect(poll.positions == [news: [2], prices: [2]])
        let given = world.poll([(news, position(2))], slow)
        world.settle()
        #expect(world.hub.extendPoll(of: given.poll.client.slot, with: [SessionPosition(prices, other)]))
        world.settle()
        #expect(!given.isAnswered, "what it missed there is told in a batch, too")
        world.pass(milliseconds: 2_000)
        world.settle()
        #expect(given.positions == [prices: [2]])
        let gone = world.poll([(news, position(2))], slow)
        world.settle()
        world.publish(news)
        world.turn()
        world.hub.dropPoll(of: gone.poll.client.slot)
        world.pass(milliseconds: 3_000)
        world.settle()
        #expect(!gone.isAnswered && world.metrics.topics.value == 0)
    }

    @Test("a rule's rate holds for a channel that a poll asks for by a pattern")
    func patterns() {
        let world = PacedHub()
        world.hasOneClock = true
        let (a, b, all) = (ChannelName("p/a")!, ChannelName("p/b")!, ChannelName("p/*")!)
        world.rules = [a: PaceRule(rateMax: MaxRate("0.5"))]
        world.publish(a)
        let since = world.publish(b).position
        let poll = world.poll([(all, since)])
        world.settle()
        world.publish(a)
        world.publish(a)
        world.turn()
        #expect(!poll.isAnswered)
        world.pass(milliseconds: 2_000)
        world.settle()
        #expect(poll.positions == [a: [3, 4]] && poll.heldMilliseconds == 2_000)
        let cursor = poll.cursor.positions
        let next = world.poll([(all, cursor[all])], entries: cursor)
        world.settle()
        world.publish(b)
        world.turn()
        #expect(next.positions == [b: [5]] && next.heldMilliseconds == 0)
    }
}
