import Broker
import Testing

@Suite("Patterns")
struct PatternTests {
    @Test(
        "what each stands for, and what not",
        arguments: [
            ("chat/*", "chat/a", true), ("chat/*", "chat", false), ("chat/*", "chat/a/b", false),
            ("chat/*", "chatty", false),
            ("chat/**", "chat/a", true), ("chat/**", "chat/a/b/c", true), ("chat/**", "chat", false),
            ("chat/**", "chatty/a", false), ("*", "chat", true), ("*", "chat/a", false), ("**", "chat", true),
            ("**", "chat/a/b", true), ("a/b/*", "a/b/c", true), ("a/b/*", "a/c/c", false), ("**", "$presence/a", false),
            ("$presence/*", "$presence/a", true), ("$presence/*", "presence/a", false), ("chat/*", "chat/*", false),
            ("chat/a*", "chat/ab", false),
            // The same to Swift's strings, and other bytes.
            ("\u{e9}/*", "e\u{301}/a", false), ("\u{e9}/**", "e\u{301}/a/b", false), ("\u{e9}/**", "\u{e9}/a/b", true),
            // A slash that is one character with what follows it, or with what precedes it.
            ("a/*", "a/\u{301}b", true), ("a/**", "a/\u{301}b/c", true), ("a\u{600}/**", "a\u{600}/b/c", true),
        ]
    )
    func standsFor(pattern: String, channel: String, isMeant: Bool) throws {
        let (pattern, channel) = (try #require(ChannelName(pattern)), try #require(ChannelName(channel)))
        #expect(pattern.stands(for: channel) == isMeant)
        // Whoever looks for those that stand for a channel finds the same.
        if pattern.isPattern, !channel.isPattern { #expect(channel.patterns.contains(pattern) == isMeant) }
        #expect(PatternSet([pattern]).standing(for: channel) == (isMeant ? [pattern] : []))
    }

    @Test("a channel has two patterns more than slashes, and is found by no other")
    func patterns() throws {
        let names = try #require(ChannelName("a/b/c")).patterns.map(\.text)
        #expect(names == ["a/b/*", "a/b/**", "a/**", "**"])
        #expect(ChannelName("a")?.patterns.map(\.text) == ["*", "**"])
        #expect(ChannelName("$presence/a")?.patterns.map(\.text) == ["$presence/*", "$presence/**"])
        #expect(ChannelName("a/*")?.patterns.isEmpty == true)
    }

    @Test("those of many patterns that stand for a channel, each once")
    func standing() throws {
        let others = (0..<100).map { ChannelName("a/\($0)/*")! }
        let names = ["a/*", "a/**", "a/b/**", "**", "a/b/*", "*"].compactMap { ChannelName($0) }
        let patterns = PatternSet(others + names)
        #expect(Set(patterns.standing(for: ChannelName("a/b/c")!).map(\.text)) == ["a/**", "a/b/**", "**", "a/b/*"])
        #expect(patterns.standing(for: ChannelName("a/7/x")!).count == 3)
        #expect(patterns.standing(for: ChannelName("$presence/a")!).isEmpty)
        #expect(patterns.standing(for: ChannelName("a/*")!).isEmpty)
    }

    @Test(
        "which have channels in common",
        arguments: [
            ("a/*", "a/**", true), ("a/*", "a/b/*", false), ("a/**", "a/b/*", true), ("**", "a/b/c", true),
            ("a/*", "b/*", false), ("a/b", "a/b", true), ("a/b", "a/c", false), ("a/*", "a/b", true),
            ("a/*", "ab/*", false),
            ("a/**", "ab/**", false), ("**", "*", true), ("**", "$a/*", false),
        ]
    )
    func overlaps(left: String, right: String, isSo: Bool) throws {
        let (left, right) = (try #require(ChannelName(left)), try #require(ChannelName(right)))
        #expect(left.overlaps(right) == isSo && right.overlaps(left) == isSo)
    }

    @Test("a wildcard may stand at the end only")
    func misplaced() throws {
        for text in ["*/a", "a/**/b", "a/*/*", "**/**"] {
            #expect(try #require(ChannelName(text)).hasMisplacedWildcard)
        }
        for text in ["a/*", "**", "a*/b", "a"] { #expect(try !#require(ChannelName(text)).hasMisplacedWildcard) }
    }
}
