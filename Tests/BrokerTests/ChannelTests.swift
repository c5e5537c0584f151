import Broker
import Testing

@Suite("Channel names and patterns")
struct ChannelTests {
    @Test(
        "takes names",
        arguments: [
            "a", "news", "host/cpu", "chat/room/1", "a b", "grüße/世界/😀", "$system", "@", "a@b", "a,b", "a%2Fb", "*",
            "a/**",
            ".", "..", "a/../b", "{tag}", "\u{80}", String(repeating: "x", count: 255),
            String(repeating: "é", count: 127),
        ]
    )
    func taken(text: String) {
        #expect(ChannelName(text)?.text == text)
        #expect(ChannelName(text)?.description == text)
    }

    @Test(
        "refuses names",
        arguments: [
            "", "/", "//", "/a", "a/", "a//b", "a/b/", "a\nb", "a\r", "\0", "a\tb", "a\u{7f}", "\u{1b}[31m",
            String(repeating: "x", count: 256), String(repeating: "é", count: 128),
            String(repeating: "😀", count: 64),
        ]
    )
    func refused(text: String) {
        #expect(ChannelName(text) == nil)
    }

    @Test("knows the system's names", arguments: [("$a", true), ("$", true), ("a$", false), ("a/$b", false)])
    func system(text: String, isSystem: Bool) {
        #expect(ChannelName(text)?.isSystem == isSystem)
    }

    @Test(
        "tells names apart by their bytes, as Redis does",
        arguments: [("caf\u{e9}", "cafe\u{301}"), ("\u{212b}", "\u{c5}"), ("a\u{323}\u{302}", "a\u{302}\u{323}")]
    )
    func bytesDecide(left: String, right: String) {
        #expect(left == right, "canonically equivalent")
        let names = [ChannelName(left)!, ChannelName(right)!]
        #expect(names[0] != names[1])
        #expect(Set(names).count == 2)
        #expect(names[0] == ChannelName(left))
        #expect(names[0].hashValue == ChannelName(left)!.hashValue)
    }

    @Test(
        "patterns match",
        arguments: [
            ("news", "news"), ("**", "a"), ("**", "a/b/c"), ("*", "a"), ("a/*", "a/b"), ("*/b", "a/b"), ("a/**", "a/b"),
            ("a/**", "a/b/c/d"), ("a/*/c", "a/b/c"), ("*/*", "a/b"), ("*/**", "a/b"), ("a/*/**", "a/b/c"),
            ("grüße", "grüße"), ("$**", "$**"), ("*", "*"), ("a/**", "a/\u{301}b"),
        ]
    )
    func matches(pattern: String, channel: String) {
        #expect(ChannelPattern(pattern)!.matches(ChannelName(channel)!))
        #expect(ChannelPattern(pattern)!.text == pattern)
    }

    @Test(
        "patterns do not match",
        arguments: [
            ("news", "new"), ("news", "news/a"), ("news", "News"), ("*", "a/b"), ("a/*", "a"), ("a/*", "a/b/c"),
            ("a/**", "a"), ("a/**", "ab"), ("*/**", "a"), ("a/*/c", "a/c"), ("a/*/**", "a/b"), ("a*", "ab"),
            ("a/b", "a"), ("$**", "$a"), ("caf\u{e9}", "cafe\u{301}"),
        ]
    )
    func differs(pattern: String, channel: String) {
        #expect(!ChannelPattern(pattern)!.matches(ChannelName(channel)!))
    }

    @Test("patterns that cannot be meant", arguments: ["", "/", "a/", "/a", "a//b", "**/a", "a/**/b", "**/**"])
    func refusedPattern(text: String) {
        #expect(ChannelPattern(text) == nil)
    }
}
