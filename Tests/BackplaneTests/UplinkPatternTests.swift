import Broker
import Reactor
import Testing

@testable import Backplane

@Suite("Uplink: patterns")
struct UplinkPatternTests {
    private let backplane = ScriptedBackplane()
    private let pattern = ChannelName("chat/*")!

    private func hear(_ position: UInt64, after previous: UInt64, in channel: String) {
        backplane.delegate?.heard(publication(position, after: previous), in: ChannelName(channel)!, by: pattern)
    }

    private func find(_ channels: (String, UInt64)..., at time: UInt64 = 100, isLast: Bool = true) {
        let found = channels.map { (name: ChannelName($0.0)!, head: at($0.1)) }
        backplane.delegate?.found(FoundChannels(channels: found, milliseconds: time, isLast: isLast))
    }

    /// A pattern of one reactor that is open, and a channel that another one asks for by its name and nobody has heard of.
    private func watchedByName() throws -> UplinkFixture {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("chat/*")
        find()
        fixture.watch("chat/a", by: 1)
        _ = (fixture.reports(0), fixture.reports(1))
        return fixture
    }

    @Test("one subscription, and the channels that it stands for stand where they were found")
    func opens() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("chat/*")
        #expect(backplane.subscriptions == ["chat/*"] && backplane.searches == [["chat/*"]])
        find(("chat/a", 5), isLast: false)
        #expect(fixture.reports() == ["found chat/a by chat/*", "opened chat/a 5-0"])
        find(("chat/b", 6), ("chat/a", 5))
        #expect(fixture.reports() == ["found chat/b by chat/*", "opened chat/b 6-0", "opened chat/* 99-0"])
        hear(7, after: 5, in: "chat/a")
        // One that nobody knew begins with its first publication.
        hear(8, after: 0, in: "chat/new")
        #expect(
            fixture.reports() == ["chat/a 7-0", "found chat/new by chat/*", "opened chat/new 0-0", "chat/new 8-0"]
        )
        fixture.watch("chat/*", by: 1)
        #expect(
            Set(fixture.reports(1)).isSuperset(of: ["opened chat/a 7-0", "opened chat/new 8-0", "opened chat/* 99-0"])
        )
        #expect(backplane.subscriptions == ["chat/*"] && backplane.reads.isEmpty)
    }

    @Test("a channel that a search overlooked begins with a gap, for somebody may have come back to it")
    func overlooked() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find()
        _ = fixture.reports()
        hear(108, after: 70, in: "chat/a")
        #expect(
            fixture.reports() == [
                "found chat/a by chat/*", "opened chat/a 0-0", "gap chat/a 0-0 70-0", "chat/a 108-0",
            ]
        )
        hear(109, after: 108, in: "chat/a")
        #expect(fixture.reports() == ["chat/a 109-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("a channel whose head is being read for somebody else is open for the pattern with what is heard first")
    func openingChannel() throws {
        let fixture = try watchedByName()
        // It is published, and heard by the pattern, before the head is read, which knows of it.
        hear(8, after: 0, in: "chat/a")
        #expect(fixture.reports(0) == ["found chat/a by chat/*", "opened chat/a 0-0", "chat/a 8-0"])
        #expect(fixture.reports(1) == ["opened chat/a 0-0", "chat/a 8-0"])
        backplane.answer(head: 8)
        hear(9, after: 8, in: "chat/a")
        backplane.answer([publication(9, after: 8)], head: 9)
        #expect(fixture.reports(1).contains("chat/a 9-0"))
    }

    @Test("a channel whose head is read before the pattern has heard of it is open where the pattern's readers stand")
    func openedBeforeItIsFound() throws {
        let fixture = try watchedByName()
        // The pattern's readers have everything up to 99.
        #expect(backplane.reads.last?.since == at(99))
        backplane.answer([publication(108, after: 0)], head: 108)
        #expect(fixture.reports(0) == ["found chat/a by chat/*", "opened chat/a 0-0", "behind chat/a"])
        #expect(fixture.reports(1) == ["opened chat/a 0-0", "behind chat/a"])
        hear(108, after: 0, in: "chat/a")
        backplane.answer([publication(108, after: 0)], head: 108)
        #expect(fixture.reports(0) == ["chat/a 108-0", "moved chat/a 108-0"])
        #expect(fixture.reports(1) == ["chat/a 108-0", "moved chat/a 108-0"])
    }

    @Test("a channel whose head was asked for before the pattern was open is asked for again")
    func openedWhileAskedFor() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("chat/a", by: 1)
        fixture.watch("chat/*")
        find()
        backplane.answer(head: 108)
        #expect(fixture.reports(1).isEmpty)
        backplane.answer(head: 50)
        #expect(fixture.reports(1) == ["opened chat/a 50-0"])
        #expect(fixture.reports(0) == ["opened chat/* 99-0", "found chat/a by chat/*", "opened chat/a 50-0"])
        #expect(backplane.reads.isEmpty)
    }

    @Test("what a pattern's readers lack of a channel that is opened by its name is a gap, if it is gone")
    func goneBeforeItIsFound() throws {
        let fixture = try watchedByName()
        backplane.answer([publication(110, after: 108)], head: 110)
        backplane.answer([publication(110, after: 108)], head: 110)
        #expect(
            fixture.reports(0) == [
                "found chat/a by chat/*", "opened chat/a 0-0", "behind chat/a", "gap chat/a 0-0 108-0",
                "chat/a 110-0", "moved chat/a 110-0",
            ]
        )
    }

    @Test("what is heard by the channel's own subscription and by the pattern is told once, to both")
    func heardTwice() throws {
        let fixture = try UplinkFixture(backplane, reactors: 2)
        fixture.watch("chat/a", by: 1)
        backplane.answer(head: 5)
        fixture.watch("chat/*")
        find(("chat/a", 5))
        _ = (fixture.reports(0), fixture.reports(1))
        backplane.say(publication(6, after: 5), in: "chat/a")
        hear(6, after: 5, in: "chat/a")
        #expect(fixture.reports(0) == ["chat/a 6-0"] && fixture.reports(1) == ["chat/a 6-0"])
    }

    @Test("after a silence each channel is filled, and one that began in it is read from its beginning")
    func silence() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find(("chat/a", 5))
        _ = fixture.reports()
        backplane.delegate?.subscribed(pattern)
        // Before the search has begun the silence has not ended.
        #expect(fixture.reports().isEmpty && backplane.searches.count == 2)
        find(("chat/a", 6), ("chat/new", 8))
        #expect(
            fixture.reports()
                == ["behind chat/a", "found chat/new by chat/*", "opened chat/new 0-0", "behind chat/new"]
        )
        #expect(backplane.reads.map(\.since) == [at(5), at(0)])
        backplane.answer([publication(6, after: 5)], head: 6)
        #expect(fixture.reports() == ["chat/a 6-0", "moved chat/a 6-0"])
        backplane.answer([publication(7, after: 0), publication(8, after: 7)], head: 8)
        #expect(fixture.reports() == ["chat/new 7-0", "chat/new 8-0", "moved chat/new 8-0"])
    }

    @Test("what a master published before it knew of the pattern again, after its channels were read, is read as well")
    func publishedBehindFill() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find(("chat/a", 5), ("chat/b", 5))
        backplane.delegate?.subscribed(pattern)
        // One master was asked, and all are read; then another one publishes, and is asked.
        find(isLast: false)
        #expect(Set(backplane.reads.map(\.channel.text)) == ["chat/a", "chat/b"])
        for read in backplane.reads {
            let isA = read.channel.text == "chat/a"
            backplane.answer(isA ? [publication(6, after: 5)] : [], head: isA ? 6 : 5)
        }
        _ = fixture.reports()
        find(("chat/a", 7), ("chat/b", 5))
        #expect(backplane.reads.map { "\($0.channel) \($0.since!)" } == ["chat/a 6-0"])
        backplane.answer([publication(7, after: 6)], head: 7)
        #expect(fixture.reports() == ["behind chat/a", "chat/a 7-0", "moved chat/a 7-0"])
    }

    @Test("when the pattern is given up, a channel that is wanted otherwise is heard by itself, and the others are not")
    func givenUp() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find(("chat/a", 5), ("chat/b", 6))
        fixture.watch("chat/a")
        fixture.unwatch("chat/b")
        #expect(backplane.subscriptions == ["chat/*"])
        fixture.unwatch("chat/*")
        #expect(backplane.subscriptions == ["chat/*", "chat/a"] && backplane.unsubscriptions == ["chat/*"])
        #expect(fixture.metrics.patterns.value == 0 && fixture.metrics.patternChannels.value == 0)
        fixture.tick(1)
        #expect(fixture.metrics.channels.value == 1)
    }

    @Test("a channel that began in a silence and is heard before it is found is read from its beginning")
    func heardAfterSilence() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find()
        backplane.delegate?.subscribed(pattern)
        _ = fixture.reports()
        hear(108, after: 105, in: "chat/new")
        #expect(fixture.reports() == ["found chat/new by chat/*", "opened chat/new 0-0", "behind chat/new"])
        #expect(backplane.reads.map(\.since) == [at(0)])
        backplane.answer([publication(105, after: 0), publication(108, after: 105)], head: 108)
        #expect(fixture.reports() == ["chat/new 105-0", "chat/new 108-0", "moved chat/new 108-0"])
    }

    @Test(
        "a channel that began while others were looked for, and of which the first was not heard, is read from its beginning"
    )
    func begunDuringSearch() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        find(at: 100, isLast: false)
        find(at: 103)
        #expect(fixture.reports() == ["opened chat/* 99-0"])
        hear(108, after: 101, in: "chat/new")
        #expect(backplane.reads.map(\.since) == [at(0)])
        backplane.answer([publication(101, after: 0), publication(108, after: 101)], head: 108)
        #expect(fixture.reports().suffix(3) == ["chat/new 101-0", "chat/new 108-0", "moved chat/new 108-0"])
    }

    @Test("one search at a time looks for the channels of all patterns that wait, and then Redis has its rest")
    func sharedSearch() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.setUp(true)
        for name in ["chat/*", "news/*", "chat/**"] { fixture.watch(name) }
        #expect(backplane.searches == [["chat/*"]])
        fixture.tick(2)
        find(("chat/a", 5), ("news/a", 6))
        let first = fixture.reports().filter { $0.hasPrefix("found") || $0.hasSuffix("99-0") }
        // What another pattern looks for is left to its own search.
        #expect(Set(first) == ["found chat/a by chat/*", "found chat/a by chat/**", "opened chat/* 99-0"])
        fixture.tick(7)
        #expect(backplane.searches.count == 1, "four times as long as it took")
        fixture.tick(1)
        #expect(backplane.searches == [["chat/*"], ["chat/**", "news/*"]])
        find(("news/a", 6), isLast: false)
        find(("chat/a", 5), at: 200)
        let second = fixture.reports().filter { $0.hasPrefix("found") || $0.hasSuffix("99-0") }
        #expect(Set(second) == ["found news/a by news/*", "opened chat/** 99-0", "opened news/* 99-0"])
        #expect(fixture.metrics.patternSearches.value == 2)
    }

    @Test("a pattern that is heard anew while it is looked for is looked for once more: what is found may be older")
    func heardAnewWhileSearched() throws {
        let fixture = try UplinkFixture(backplane)
        fixture.watch("chat/*")
        backplane.delegate?.subscribed(pattern)
        find(("chat/a", 5))
        #expect(fixture.reports().isEmpty && backplane.searches.count == 2)
        find(("chat/a", 6))
        #expect(fixture.reports() == ["found chat/a by chat/*", "opened chat/a 6-0", "opened chat/* 99-0"])
    }

    @Test(
        "a channel that began in a silence is read from its beginning for who should have heard it, whoever's search finds it"
    )
    func silenceEndedByAnother() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.setUp(true)
        fixture.watch("chat/*")
        find()
        fixture.watch("chat/**")
        find(("chat/new", 108), at: 200)
        #expect(
            fixture.reports().filter { $0.contains("chat/new") && !$0.contains("found") }.first == "opened chat/new 0-0"
        )
        #expect(backplane.reads.map(\.since) == [at(0)])
    }

    @Test("a search that failed is repeated")
    func failedSearch() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.setUp(true)
        fixture.watch("chat/*")
        backplane.delegate?.found(nil)
        fixture.tick(3)
        #expect(backplane.searches.count == 1)
        fixture.tick(1)
        #expect(backplane.searches.count == 2)
        find()
        #expect(fixture.reports().contains("opened chat/* 99-0"))
    }

    @Test("a search that took long and failed is not repeated before Redis had as much rest as behind any other")
    func failedSearchRests() throws {
        let fixture = try UplinkFixture(backplane)
        backplane.setUp(true)
        fixture.watch("chat/*")
        fixture.tick(5)
        backplane.delegate?.found(nil)
        fixture.tick(19)
        #expect(backplane.searches.count == 1, "four times as long as it took")
        fixture.tick(1)
        #expect(backplane.searches.count == 2)
    }
}
