import Broker
import Testing

@testable import Backplane

@Suite("What Redis is told and tells")
struct RedisTextTests {
    @Test(
        "addresses",
        arguments: [
            ("redis://localhost", "localhost", 6_379, nil, nil, 0),
            ("redis://localhost/", "localhost", 6_379, nil, nil, 0),
            ("redis://10.0.0.1:7000/3", "10.0.0.1", 7_000, nil, nil, 3),
            ("redis://:secret@h", "h", 6_379, nil, "secret", 0),
            ("redis://user:secret@h:1", "h", 1, "user", "secret", 0),
            ("redis://user@h", "h", 6_379, "user", nil, 0),
            ("redis://us%3Aer:p%40ss%2F%25@h", "h", 6_379, "us:er", "p@ss/%", 0),
            ("redis://:a:b@h", "h", 6_379, nil, "a:b", 0),
            ("redis://:a@b@h", "h", 6_379, nil, "a@b", 0),
            ("redis://:100%@h", "h", 6_379, nil, "100%", 0),
            ("redis://:%zz%+1@h", "h", 6_379, nil, "%zz%+1", 0),
            ("redis://[::1]", "::1", 6_379, nil, nil, 0),
            ("redis://u:p@[fe80::1]:6380/15", "fe80::1", 6_380, "u", "p", 15),
        ] as [(String, String, UInt16, String?, String?, Int)]
    )
    func addresses(url: String, host: String, port: UInt16, user: String?, password: String?, database: Int) throws {
        let address = try #require(RedisAddress(url))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.user == user)
        #expect(address.password == password)
        #expect(address.database == database)
    }

    @Test(
        "addresses that are none",
        arguments: [
            "", "redis", "redis:", "redis://", "redis:///0", "localhost:6379", "http://localhost", "rediss://",
            "REDIS//x", "redis://:6379", "redis://h:", "redis://h:x", "redis://h:65536", "redis://h:-1", "redis://h:+1",
            "redis://h:1:2", "redis://h/x", "redis://h/-1", "redis://h/+1", "redis://h/1/2", "redis://h/0?x=1",
            "redis://[::1", "redis://[::1]x", "redis://[::1]:", "redis://[]", "redis://[]:6379", "redis://::1",
            "redis://u:p@", "redis://h:0", "unix://", "unix:///", "unix://h/x", "unix:///x?db=a", "unix:///x?y=1",
            "unix:/x",
            "unix:///a%00b",
        ]
    )
    func badAddresses(url: String) {
        #expect(RedisAddress(url) == nil)
    }

    @Test("addresses with TLS, and sockets in the file system")
    func otherAddresses() throws {
        let secure = try #require(RedisAddress("rediss://u:p@h:1/2"))
        #expect(secure.host == "h" && secure.port == 1 && secure.database == 2 && secure.user == "u")
        #expect(secure.security != nil && secure.path == nil)
        #expect(try #require(RedisAddress("redis://h")).security == nil)
        let local = try #require(RedisAddress("unix://:p%40@/run/a%20b.sock?db=3"))
        #expect(local.path == "/run/a b.sock" && local.database == 3 && local.password == "p@" && local.user == nil)
        #expect(try #require(RedisAddress("unix:///x")).database == 0)
    }

    @Test("secrets of tickets: those of now, of next, and of before; the first seals")
    func tickets() throws {
        let turn: UInt64 = 21_600_000
        var tickets = RedisTickets()
        #expect(tickets.missing(nowMilliseconds: 5 * turn + 1) == [5, 6, 4])
        #expect(tickets.all == nil)
        tickets.take([6], of: 6)
        tickets.take([5], of: 5)
        #expect(tickets.all == [[5], [6]])
        #expect(tickets.missing(nowMilliseconds: 6 * turn) == [7])
        #expect(tickets.all == [[6], [5]])
        #expect(tickets.missing(nowMilliseconds: 8 * turn) == [8, 9, 7])
        #expect(tickets.all == nil)
        #expect(RedisTickets.leftMilliseconds(of: 5, nowMilliseconds: 5 * turn) == 2 * turn)
        #expect(RedisTickets.leftMilliseconds(of: 1, nowMilliseconds: 9 * turn) == 1)
        let secret = (0..<32).map { UInt8($0) &* 9 }
        #expect(RedisTicketSecret.secret(from: RedisTicketSecret.text(of: secret)) == secret)
        for text in ["", "0", String(repeating: "0", count: 63), String(repeating: "g", count: 64)] {
            #expect(RedisTicketSecret.secret(from: text) == nil)
        }
    }

    private func parse(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes {
            switch RedisMessage($0) {
            case .plain(let payload): "plain \(String(decoding: payload, as: UTF8.self))"
            case .publication(let position, let previous, let kind, let payload):
                "\(position) after \(previous) \(Unicode.Scalar(kind.type)) "
                    + (kind.key.map { "[\($0.text)] " } ?? "") + String(decoding: payload, as: UTF8.self)
            }
        }
    }

    @Test(
        "headers of publications",
        arguments: [
            ("5-1 4-0 j\n{}", "5-1 after 4-0 j {}"),
            ("5-1 0-0 t\n", "5-1 after 0-0 t "),
            ("1763881234567-0 1763881234566-12 b\na\nb\n", "1763881234567-0 after 1763881234566-12 b a\nb\n"),
            ("5-1 4-0 ?\nx", "5-1 after 4-0 ? x"),
            ("5-1 4-0 j eur\n{}", "5-1 after 4-0 j [eur] {}"),
            ("5-1 4-0 t  a b \nx", "5-1 after 4-0 t [ a b ] x"),
            ("5-1 4-0 r gr\u{fc}n\n", "5-1 after 4-0 r [gr\u{fc}n] "),
            // What is no key is passed over.
            ("5-1 4-0 t \u{7f}\nx", "5-1 after 4-0 t x"),
            (
                "5-1 4-0 t \(String(repeating: "k", count: 255))\nx",
                "5-1 after 4-0 t [\(String(repeating: "k", count: 255))] x"
            ),
            (
                "18446744073709551615-18446744073709551615 18446744073709551615-18446744073709551614 t\nx",
                "18446744073709551615-18446744073709551615 after 18446744073709551615-18446744073709551614 t x"
            ),
        ]
    )
    func headers(text: String, expected: String) {
        #expect(parse([0xc0] + Array(text.utf8)) == expected)
    }

    @Test(
        "headers that are none: the whole message is a payload",
        arguments: [
            "", "\n", "5-1 4-0 t", "5-1 4-0\n", "5-1 4-0 \n", "5-1 4-0 tt\n", "5-1 4-0  t\n", "5-1  4-0 t\n",
            " 5-1 4-0 t\n", "5-1 4-0 3-0 t\n", "5-1 t\n", "5-1 4-0 t \n", "5-1 4-0 tk\n", "5-1 4-0 j-eur\n", "5 4 t\n",
            "5-1 x t\n", "x 4-0 t\n", "5-1 4-0 t\r\n",
            "18446744073709551616-0 4-0 t\nx", "-1-0 4-0 t\n", String(repeating: "0", count: 100) + "5-1 4-0 t\n",
        ]
    )
    func notHeaders(text: String) {
        let bytes = [0xc0] + Array(text.utf8)
        #expect(parse(bytes) == "plain \(String(decoding: bytes, as: UTF8.self))")
    }

    @Test("anything else is a payload", arguments: ["", "hello", "{\"a\":1}", "5-1 4-0 t\nx", "\n"])
    func plain(text: String) {
        #expect(parse(Array(text.utf8)) == "plain \(text)")
    }

    @Test("every cut of a message is read without harm")
    func cuts() {
        let whole = [0xc0] + Array("1763881234567-0 1763881234566-12 t\npayload".utf8)
        for count in 0...whole.count {
            let text = parse(Array(whole[..<count]))
            let isWholeHeader = count > 35
            #expect(text.hasPrefix("plain") != isWholeHeader, "\(count)")
        }
    }

    @Test("keys lead back to their channels", arguments: ["a", "host/cpu", "é", "$presence/a"])
    func keys(name: String) {
        let channel = ChannelName(name)!
        let key = RedisKeys().channel(channel)
        #expect(key == "perseid:{\(name)}")
        #expect(Array(key.utf8).withUnsafeBytes { RedisKeys().channelName($0) } == channel)
    }

    @Test("keys of no channel", arguments: ["", "perseid:{}", "perseid:{", "x", "perseid:{a//b}"])
    func foreignKeys(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { RedisKeys().channelName($0) } == nil)
    }

    @Test("a name with braces or a percent sign keeps its tag whole, and comes back as it was")
    func escapedNames() {
        for (name, key) in [
            ("}x", "perseid:{%7Dx}"), ("{a}", "perseid:{%7Ba%7D}"), ("100%", "perseid:{100%25}"),
            ("%7D", "perseid:{%257D}"), ("é", "perseid:{é}"),
        ] {
            let channel = ChannelName(name)!
            #expect(RedisKeys().channel(channel) == key)
            Array(key.utf8).withUnsafeBytes { #expect(RedisKeys().channelName($0) == channel) }
        }
        for key in ["perseid:{%}", "perseid:{%7}", "perseid:{%41}", "perseid:{%7d", "perseid:{}", "other:{a}"] {
            Array(key.utf8).withUnsafeBytes { #expect(RedisKeys().channelName($0) == nil) }
        }
    }

    @Test("clusters in other databases or with other prefixes have other names for all they have")
    func prefixes() {
        let id = sessionRequest(.open).id
        let keys = RedisKeys(prefix: "shop", database: 3)
        #expect(keys.channel(ChannelName("a")!) == "shop@3:{a}")
        #expect(keys.session(id) == "shop@3:session:{\(id)}")
        #expect(keys.node("n") == "shop@3:node:n")
        #expect(RedisKeys().node("n") == "perseid:node:n")
        Array("perseid:{a}".utf8).withUnsafeBytes { #expect(keys.channelName($0) == nil) }
    }
}
