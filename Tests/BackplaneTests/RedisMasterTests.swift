import Broker
import Testing

@testable import Backplane

@Suite("Masters of Redis")
struct RedisMasterTests {
    @Test("a server, a socket, and one that Sentinels know; each has a name")
    func kinds() throws {
        let server = try #require(RedisMaster("redis://u:p@h:1/2"))
        #expect(server.name == "h:1/2" && server.sentinels == nil && server.address.place == "h:1")
        #expect(try #require(RedisMaster("unix:///run/r.sock?db=1")).name == "/run/r.sock/1")
        #expect(try #require(RedisMaster("redis://[::1]")).name == "[::1]:6379/0")
        let named = try #require(RedisMaster("redis://h#blue"))
        #expect(named.name == "blue" && named.address.host == "h")
        #expect(try #require(RedisMaster("redis://h/3#b%6cue")).name == "blue")
        #expect(try #require(RedisMaster("unix:///x#y")).address.path == "/x")
    }

    @Test("Sentinels: hosts, the master's name, a database, and who we are at both")
    func sentinels() throws {
        let url =
            "rediss+sentinel://node:p%40@one,two:1,[::1]:2/main.master/3?sentinel-user=s&sentinel-password=q%26#blue"
        let master = try #require(RedisMaster(url))
        let sentinels = try #require(master.sentinels)
        #expect(sentinels.places.map(\.description) == ["one:26379", "two:1", "[::1]:2"])
        #expect(sentinels.masterName == "main.master")
        #expect(sentinels.user == "s" && sentinels.password == "q&")
        #expect(master.address.user == "node" && master.address.password == "p@" && master.address.database == 3)
        #expect(master.isSecure && !master.address.isPlace && master.name == "blue")
        #expect(try #require(RedisMaster("redis+sentinel://h/m")).name == "m/0")
        #expect(master.textWithoutPasswords == "rediss+sentinel://node:(hidden)@one:26379,two:1,[::1]:2/main.master/3")
        let place = RedisPlace(host: "10.0.0.1", port: 7)
        #expect(
            master.address.moved(to: place).place == "10.0.0.1:7" && master.address.moved(to: place).password == "p@"
        )
    }

    @Test(
        "none of them",
        arguments: [
            "redis+sentinel://", "redis+sentinel://h", "redis+sentinel://h/", "redis+sentinel:///m",
            "redis+sentinel://h,/m", "redis+sentinel://h:/m", "redis+sentinel://h:0/m", "redis+sentinel://h/m m",
            "redis+sentinel://h/m/x", "redis+sentinel://h/m/0/1", "redis+sentinel://h/m?x=1",
            "redis+sentinel://h/m?sentinel-user", "redis+sentinel://h/m?sentinel-user=a&sentinel-user=b",
            "redis://h,i", "redis://h#", "redis+cluster://h", "redis+x://h", "redis://h?sentinel-user=a",
        ]
    )
    func others(url: String) {
        #expect(RedisMaster(url) == nil)
    }

    @Test("which master has a key is the same for whoever computes it, in whatever language")
    func places() {
        // By the program in deploy/reference/redis.md.
        let map = RedisShardMap(names: ["a", "b", "c"])
        let keys = RedisKeys()
        let tags = ["news", "room/1", "chat/ü", "wills", "0123", "x"]
        #expect(tags.map { map.place(of: "perseid:{\($0)}") } == [2, 1, 2, 1, 2, 0])
        #expect(map.place(of: "x") == 0, "without braces all of it")
        #expect(RedisShardMap(names: ["a"]).place(of: "news") == 0)
        let hosts = RedisShardMap(names: ["10.0.0.1:6379/0", "10.0.0.2:6379/0", "10.0.0.3:6379/0"])
        #expect(["{news}", "{room/1}"].map { hosts.place(of: $0) } == [2, 0])
        for name in ["news", "$presence/x", "a{b}c%"] {
            let channel = keys.channel(ChannelName(name)!)
            #expect(map.place(of: channel) == map.place(of: channel + ":head"))
        }
        let told = keys.channel(ChannelName("$presence/room/1")!)
        #expect(map.place(of: told) == map.place(of: keys.channel(ChannelName("room/1")!)))
    }

    @Test("another master takes an equal part of what each of the others had, and nothing moves between those")
    func anotherMaster() {
        let names = (0..<4).map { "redis-\($0):6379/0" }
        let (before, after) = (RedisShardMap(names: Array(names.dropLast())), RedisShardMap(names: names))
        var had = [0, 0, 0]
        var taken = [0, 0, 0]
        for number in 0..<30_000 {
            let key = "perseid:{room/\(number)}"
            let (old, new) = (before.place(of: key), after.place(of: key))
            had[old] += 1
            if new == 3 { taken[old] += 1 } else { #expect(new == old) }
        }
        for place in 0..<3 {
            #expect((9_500...10_500).contains(had[place]))
            #expect((2_250...2_750).contains(taken[place]))
        }
    }

    @Test("a list that goes on: at which master, and where in its keys")
    func listPlaces() throws {
        #expect(RedisListPlace("", masters: 3).text == "0")
        let second = RedisListPlace("1.17", masters: 3)
        #expect(second.master == 1 && second.cursor == 17 && second.text == "1.17")
        #expect(try #require(second.next("5")).text == "1.5")
        #expect(try #require(second.next("0")).text == "2.0")
        #expect(RedisListPlace("2.9", masters: 3).next("0") == nil)
        for text in ["3.1", "x", "1.", "-1.2", ".", "1.x", "99999999999999999999.1"] {
            #expect(RedisListPlace(text, masters: 3).cursor == 0, "\(text)")
        }
    }
}
