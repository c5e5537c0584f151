import Broker
import Testing

@testable import PerseidClient

/// The connection's state machine, without any input or output: what it is told, and what it wants done.
@Suite struct ConnectionTests {
    /// A connection with a clock that a test moves.
    private final class Bench {
        var connection: Connection
        var now: UInt64 = 1_000_000

        init(
            addresses: [String] = ["http://a", "http://b"],
            transports: [Transport] = [.webSocket],
            hasSession: Bool = true,
            isTokenRenewable: Bool = false
        ) {
            connection = Connection(
                Connection.Settings(
                    addresses: addresses,
                    transports: transports,
                    hasSession: hasSession,
                    isTokenRenewable: isTokenRenewable,
                    openMilliseconds: 5_000
                )
            )
        }

        func collect() -> [Connection.Action] {
            connection.takeActions()
        }

        /// Gives it a token, and returns what it opens with that.
        func plan(token: String? = nil, replaceAt: UInt64? = nil) -> LinkPlan? {
            connection.take(token: .success(token), replaceAt: replaceAt, now: now)
            for case .open(let plan) in collect() { return plan }
            return nil
        }

        func say(_ json: String, cursor: String? = nil) throws {
            let message = try Array(json.utf8).withUnsafeBytes { try ServerMessage($0) }
            connection.hear(message, cursor: cursor.flatMap { Broker.Cursor($0) }, now: now)
        }

        func pass(_ milliseconds: UInt64) {
            now += milliseconds
            connection.timeIsUp(now: now)
        }

        /// Waits until it makes the next attempt.
        func passToNextAttempt() {
            guard let deadline = connection.deadline else { return }
            pass(deadline - now)
        }

        /// Opens the first link, for a channel.
        func open(_ channel: String = "a") throws -> LinkPlan? {
            connection.want([ChannelName(channel)!], now: now)
            let opened = plan()
            try say(#"{"type":"welcome","session":"s.t","node":"n","heartbeat":25}"#)
            try say(#"{"type":"subscribed","channel":"\#(channel)","position":"1-0"}"#)
            _ = collect()
            return opened
        }
    }

    private static func waiting(_ actions: [Connection.Action]) -> (PerseidError, String, UInt64)? {
        for case .tell(.waiting(let error, let address, let milliseconds)) in actions {
            return (error, address, milliseconds)
        }
        return nil
    }

    private static func words(_ actions: [Connection.Action]) -> [String] {
        actions.compactMap {
            guard case .say(let word) = $0 else { return nil }
            switch word {
            case .subscribe(let channel, let since): return "subscribe \(channel) \(since.map { "\($0)" } ?? "-")"
            case .unsubscribe(let channel): return "unsubscribe \(channel)"
            case .authenticate(let token): return "authenticate \(token)"
            case .ping: return "ping"
            }
        }
    }

    private static func wantsToken(_ actions: [Connection.Action]) -> Bool {
        actions.contains { if case .needToken = $0 { true } else { false } }
    }

    private static func isClosing(_ actions: [Connection.Action]) -> Bool {
        actions.contains { if case .closeLink = $0 { true } else { false } }
    }

    private static func end(_ actions: [Connection.Action]) -> PerseidError? {
        for case .end(let error) in actions { return error }
        return nil
    }

    // MARK: Places and sessions

    @Test("a link that is lost is followed by one to the next address, with the session and the place")
    func resumes() throws {
        let bench = Bench()
        let firstPlan = try bench.open()
        let first = try #require(firstPlan)
        #expect(first.addressIndex == 0 && first.session == nil && first.cursor.isEmpty)
        try bench.say(#"{"type":"message","channel":"a","position":"7-0","data":1}"#)
        bench.connection.end(.lost(PerseidError(message: "gone")), now: bench.now)
        let (error, address, milliseconds) = try #require(Self.waiting(bench.collect()))
        #expect(error.message == "gone" && address == "http://a" && milliseconds <= 250)
        bench.passToNextAttempt()
        let secondPlan = bench.plan()
        let second = try #require(secondPlan)
        #expect(second.addressIndex == 1 && second.session == "s.t" && second.cursor == "a@7-0")
    }

    @Test("what lies between the place and where a channel begins is told as a gap")
    func gap() throws {
        let bench = Bench()
        _ = try bench.open()
        try bench.say(#"{"type":"subscribed","channel":"a","position":"9-0","recovered":false}"#)
        var told: [String] = []
        for case .deliver(let message) in bench.collect() {
            if case .gap(let channel, let from, let to) = message { told.append("\(channel) \(from) \(to)") }
            if case .subscribed(_, let position, let isRecovered) = message {
                told.append("\(position!) \(isRecovered!)")
            }
        }
        #expect(told == ["a 1-0 9-0", "9-0 false"])
        #expect(bench.connection.place[ChannelName("a")!] == Broker.Position("9-0"))
    }

    @Test("a session that is gone or somebody else's is let go of, and the cursor holds", arguments: [4_001, 4_003])
    func sessionLost(_ code: Int) throws {
        let bench = Bench()
        _ = try bench.open()
        try bench.say(#"{"type":"bye","code":\#(code),"reason":"taken","reconnect":false}"#)
        #expect(Self.waiting(bench.collect())?.0.code == code)
        bench.passToNextAttempt()
        let nextPlan = bench.plan()
        let next = try #require(nextPlan)
        #expect(next.session == nil && next.cursor == "a@1-0")
    }

    @Test("a stream's cursor moves the place, its messages alone do not")
    func streamCursor() throws {
        let bench = Bench(transports: [.eventStream])
        _ = try bench.open("a/*")
        try bench.say(#"{"type":"message","channel":"a/b","position":"8-0","data":1}"#, cursor: "a%2F*@7-0,a%2Fb@8-0")
        #expect(bench.connection.place[ChannelName("a/*")!] == Broker.Position("7-0"))
        #expect(bench.connection.place[ChannelName("a/b")!] == Broker.Position("8-0"))
    }

    // MARK: Goodbyes

    @Test("what is for good ends it for all", arguments: [400, 403, 421])
    func final(_ code: Int) {
        let bench = Bench()
        bench.connection.want([ChannelName("a")!], now: bench.now)
        _ = bench.plan()
        bench.connection.end(.refused(PerseidError(code: code, message: "no")), now: bench.now)
        #expect(Self.end(bench.collect())?.code == code)
        #expect(bench.connection.deadline == nil)
    }

    @Test("the time that a node asks for is kept to, and a part that is drawn comes on top")
    func after() throws {
        for _ in 0..<50 {
            let bench = Bench()
            _ = try bench.open()
            try bench.say(#"{"type":"bye","code":4000,"reason":"drain","reconnect":true,"after":1500}"#)
            let milliseconds = try #require(Self.waiting(bench.collect())?.2)
            #expect((1_500...1_750).contains(milliseconds))
            // The node is going away: the next one is another.
            bench.passToNextAttempt()
            #expect(bench.plan()?.addressIndex == 1)
        }
    }

    @Test("waits grow while nothing answers, and are short again after a link that held")
    func backoff() throws {
        let bench = Bench(addresses: ["http://a"])
        bench.connection.want([ChannelName("a")!], now: bench.now)
        var longest: UInt64 = 0
        for _ in 0..<20 {
            _ = bench.plan()
            bench.connection.end(.lost(PerseidError(message: "refused")), now: bench.now)
            longest = max(longest, try #require(Self.waiting(bench.collect())?.2))
            bench.passToNextAttempt()
        }
        #expect(longest > 5_000 && longest <= 30_000)
        _ = bench.plan()
        try bench.say(#"{"type":"welcome","heartbeat":25}"#)
        bench.pass(2_000)
        bench.connection.end(.lost(PerseidError(message: "refused")), now: bench.now)
        #expect(try #require(Self.waiting(bench.collect())?.2) <= 250)
    }

    @Test("all addresses are tried before it waits")
    func everyAddress() throws {
        let bench = Bench(addresses: ["http://a", "http://b", "http://c"])
        bench.connection.want([ChannelName("a")!], now: bench.now)
        var tried: [Int] = []
        var waits: [UInt64] = []
        for _ in 0..<3 {
            let plan = bench.plan()
            tried.append(try #require(plan).addressIndex)
            bench.connection.end(.lost(PerseidError(message: "refused")), now: bench.now)
            waits.append(try #require(Self.waiting(bench.collect())?.2))
            bench.passToNextAttempt()
        }
        #expect(tried == [0, 1, 2] && waits[..<2] == [0, 0])
    }

    // MARK: Transports

    @Test(
        "one that is held up is followed by the next, at once and at the same address; what worked is kept for ten minutes"
    )
    func ladder() throws {
        let bench = Bench(addresses: ["http://a"], transports: [.webSocket, .eventStream, .longPoll])
        bench.connection.want([ChannelName("a")!], now: bench.now)
        #expect(bench.plan()?.transport == .webSocket)
        bench.pass(5_000)
        let secondPlan = bench.plan()
        let second = try #require(secondPlan)
        #expect(second.transport == .eventStream && second.addressIndex == 0)
        bench.connection.end(.blocked(PerseidError(message: "nonsense")), now: bench.now)
        #expect(bench.plan()?.transport == .longPoll)
        try bench.say(#"{"type":"welcome"}"#)
        bench.connection.end(.lost(PerseidError(message: "gone")), now: bench.now)
        bench.passToNextAttempt()
        #expect(bench.plan()?.transport == .longPoll)
        try bench.say(#"{"type":"welcome"}"#)
        _ = bench.collect()
        bench.pass(600_000)
        #expect(Self.isClosing(bench.collect()))
        #expect(bench.plan()?.transport == .webSocket)
    }

    @Test("none that works: it waits, and begins with the first")
    func noneWorks() throws {
        let bench = Bench(addresses: ["http://a"], transports: [.webSocket, .jsonStream])
        bench.connection.want([ChannelName("a")!], now: bench.now)
        _ = bench.plan()
        bench.pass(5_000)
        #expect(bench.plan()?.transport == .jsonStream)
        bench.pass(5_000)
        #expect(Self.waiting(bench.collect())?.0.message == "no sign of life in 5000 ms")
        bench.passToNextAttempt()
        #expect(bench.plan()?.transport == .webSocket)
    }

    @Test("a link that is being opened is shown no other token", arguments: [Transport.webSocket, .eventStream])
    func earlyToken(_ transport: Transport) throws {
        let bench = Bench(transports: [transport], isTokenRenewable: true)
        bench.connection.want([ChannelName("a")!], now: bench.now)
        #expect(bench.plan(token: "one")?.token == "one")
        bench.connection.take(token: .success("two"), replaceAt: nil, now: bench.now)
        let actions = bench.collect()
        #expect(Self.words(actions).isEmpty && !Self.isClosing(actions))
    }

    // MARK: Channels

    @Test("a WebSocket is told of channels, the others are opened anew")
    func channels() throws {
        let (a, b) = (ChannelName("a")!, ChannelName("b")!)
        let bench = Bench()
        _ = try bench.open()
        bench.connection.want([a, b], now: bench.now)
        #expect(Self.words(bench.collect()) == ["subscribe b -"])
        bench.connection.want([b], now: bench.now)
        #expect(Self.words(bench.collect()) == ["unsubscribe a"])
        #expect(bench.connection.place[a] == nil)
        bench.connection.want([], now: bench.now)
        #expect(Self.isClosing(bench.collect()) && bench.connection.deadline == nil)

        let stream = Bench(transports: [.eventStream])
        _ = try stream.open()
        stream.connection.want([a, b], now: stream.now)
        #expect(Self.isClosing(stream.collect()))
        let bothPlan = stream.plan()
        let both = try #require(bothPlan)
        #expect(both.channels == [a, b] && both.session == "s.t" && both.cursor == "a@1-0")
        try stream.say(#"{"type":"welcome"}"#)
        stream.connection.want([b], now: stream.now)
        // A session would bring back what is read no longer.
        #expect(stream.plan()?.session == nil)
    }

    @Test("who reads a channel again begins anew, whatever came before and on the way")
    func anew() throws {
        let (a, room, pattern) = (ChannelName("a")!, ChannelName("room/1")!, ChannelName("room/*")!)
        let bench = Bench()
        _ = try bench.open()
        bench.connection.want([a, pattern], now: bench.now)
        try bench.say(#"{"type":"message","channel":"room/1","position":"5-0","data":1}"#)
        bench.connection.want([a], now: bench.now)
        try bench.say(#"{"type":"message","channel":"room/1","position":"6-0","data":1}"#)
        _ = bench.collect()
        bench.connection.want([a, room], now: bench.now)
        #expect(Self.words(bench.collect()) == ["subscribe room/1 -"])
        try bench.say(#"{"type":"subscribed","channel":"room/1","position":"9-0"}"#)
        // So does who was ended by a refusal.
        bench.connection.end(.refused(PerseidError(code: 403, message: "no")), now: bench.now)
        #expect(Self.end(bench.collect())?.code == 403)
        bench.connection.want([a, room], now: bench.now)
        #expect(bench.plan()?.cursor == "")
    }

    @Test("a session does not bring back what was given up while no node could be told")
    func forgottenSession() throws {
        let (a, b) = (ChannelName("a")!, ChannelName("b")!)
        let bench = Bench()
        func lose() {
            bench.connection.end(.lost(PerseidError(message: "gone")), now: bench.now)
            _ = bench.collect()
        }
        _ = try bench.open()
        lose()
        bench.connection.want([a, b], now: bench.now)
        bench.passToNextAttempt()
        #expect(bench.plan()?.session == "s.t")
        try bench.say(#"{"type":"welcome"}"#)
        lose()
        bench.connection.want([b], now: bench.now)
        bench.passToNextAttempt()
        #expect(bench.plan()?.session == nil)
        try bench.say(#"{"type":"welcome","session":"u.v"}"#)
        bench.connection.want([], now: bench.now)
        _ = bench.collect()
        bench.connection.want([a], now: bench.now)
        #expect(bench.plan()?.session == nil)
    }

    @Test("one of several channels that is refused is given up, and the others are read without it")
    func refusedChannel() throws {
        let (a, b) = (ChannelName("a")!, ChannelName("b")!)
        let bench = Bench(addresses: ["http://a"], transports: [.eventStream])
        _ = try bench.open()
        bench.connection.want([a, b], now: bench.now)
        _ = bench.plan()
        let error = PerseidError(code: 403, message: "not allowed", field: "channel", channel: "b")
        bench.connection.end(.refused(error), now: bench.now)
        let actions = bench.collect()
        var denied: [ChannelName] = []
        for case .deny(let channel, error) in actions { denied.append(channel) }
        #expect(denied == [b] && Self.end(actions) == nil)
        bench.connection.want([a], now: bench.now)
        bench.passToNextAttempt()
        let nextPlan = bench.plan()
        let next = try #require(nextPlan)
        #expect(next.channels == [a] && next.session == "s.t" && next.cursor == "a@1-0")
    }

    @Test("a channel that cannot be had now is asked for again, one that is not allowed is denied")
    func denied() throws {
        let (a, b) = (ChannelName("a")!, ChannelName("b")!)
        let bench = Bench()
        _ = try bench.open()
        bench.connection.want([a, b], now: bench.now)
        _ = bench.collect()
        try bench.say(#"{"type":"error","channel":"b","code":503,"message":"away","retry":700}"#)
        #expect(Self.words(bench.collect()).isEmpty)
        bench.pass(700)
        #expect(Self.words(bench.collect()) == ["subscribe b -"])
        try bench.say(#"{"type":"error","channel":"b","code":409,"message":"there already"}"#)
        #expect(bench.collect().isEmpty)
        try bench.say(#"{"type":"error","channel":"b","code":403,"message":"no"}"#)
        var denied: [String] = []
        for case .deny(let channel, let error) in bench.collect() { denied.append("\(channel) \(error.code)") }
        #expect(denied == ["b 403"])
    }

    // MARK: Silence

    @Test("a WebSocket that is silent is asked whether it is there, and given up if it does not say so")
    func silence() throws {
        let bench = Bench()
        _ = try bench.open()
        bench.pass(24_999)
        #expect(Self.words(bench.collect()).isEmpty)
        bench.pass(1)
        #expect(Self.words(bench.collect()) == ["ping"])
        bench.connection.heardSomething(now: bench.now)
        bench.pass(25_000)
        #expect(Self.words(bench.collect()) == ["ping"])
        bench.pass(2_999)
        #expect(bench.connection.link != nil)
        bench.pass(1)
        #expect(Self.waiting(bench.collect())?.0.message == "no sign of life in 28000 ms")
    }

    @Test("while nobody reads, silence says nothing")
    func paused() throws {
        let bench = Bench()
        _ = try bench.open()
        bench.connection.setPaused(true, now: bench.now)
        bench.pass(300_000)
        #expect(bench.collect().isEmpty && bench.connection.link != nil)
        bench.connection.setPaused(false, now: bench.now)
        bench.pass(25_000)
        #expect(Self.words(bench.collect()) == ["ping"])
    }

    @Test("a link that is made while nobody reads is not taken for blocked, until somebody does")
    func pausedFromTheStart() {
        let bench = Bench(addresses: ["http://a"], transports: [.webSocket, .longPoll])
        bench.connection.want([ChannelName("a")!], now: bench.now)
        _ = bench.plan()
        bench.connection.setPaused(true, now: bench.now)
        bench.pass(60_000)
        #expect(bench.collect().isEmpty && bench.connection.link?.transport == .webSocket)
        bench.connection.setPaused(false, now: bench.now)
        bench.pass(4_999)
        #expect(bench.connection.link?.transport == .webSocket)
        bench.pass(1)
        #expect(bench.plan()?.transport == .longPoll)
    }

    // MARK: Tokens

    @Test("another token is shown before the one there is ends: by a command, or by a link of its own")
    func renews() throws {
        for (transport, isCommand) in [(Transport.webSocket, true), (.eventStream, false)] {
            let bench = Bench(transports: [transport], isTokenRenewable: true)
            bench.connection.want([ChannelName("a")!], now: bench.now)
            #expect(bench.plan(token: "one", replaceAt: bench.now + 9_000)?.token == "one")
            try bench.say(#"{"type":"welcome"}"#)
            _ = bench.collect()
            bench.pass(9_000)
            #expect(Self.wantsToken(bench.collect()))
            bench.connection.take(token: .success("two"), replaceAt: bench.now + 9_000, now: bench.now)
            let actions = bench.collect()
            #expect(Self.words(actions) == (isCommand ? ["authenticate two"] : []))
            #expect(Self.isClosing(actions) == !isCommand)
        }
    }

    @Test("a token that is refused is followed by one other; where there is none, it is over")
    func refusedTokens() throws {
        for code in [401, 4_010, 4_011] {
            let refusal = LinkEnd.refused(PerseidError(code: code, message: "not taken"))
            let fixed = Bench()
            fixed.connection.want([ChannelName("a")!], now: fixed.now)
            _ = fixed.plan(token: "one")
            fixed.connection.end(refusal, now: fixed.now)
            #expect(Self.end(fixed.collect())?.code == code)

            let renewable = Bench(isTokenRenewable: true)
            renewable.connection.want([ChannelName("a")!], now: renewable.now)
            _ = renewable.plan(token: "one")
            renewable.connection.end(refusal, now: renewable.now)
            #expect(Self.end(renewable.collect()) == nil)
            renewable.passToNextAttempt()
            #expect(renewable.plan(token: "two")?.token == "two")
            renewable.connection.end(refusal, now: renewable.now)
            #expect(Self.end(renewable.collect())?.code == code)
        }
    }

    @Test("a goodbye that comes first is no sign that a token was taken")
    func goodbyeFirst() throws {
        let bench = Bench(isTokenRenewable: true)
        bench.connection.want([ChannelName("a")!], now: bench.now)
        for number in 0..<2 {
            _ = bench.plan(token: "\(number)")
            if number == 1 { bench.connection.noteOpen(now: bench.now) }
            try bench.say(#"{"type":"bye","code":4011,"reason":"not taken","reconnect":false}"#)
            let actions = bench.collect()
            #expect((Self.end(actions)?.code == 4_011) == (number == 1))
            bench.passToNextAttempt()
        }
    }

    @Test("without a session there is none, whatever the node says")
    func sessionless() throws {
        let bench = Bench(hasSession: false)
        let opened = try bench.open()
        #expect(opened?.session == "none")
        bench.connection.end(.lost(PerseidError(message: "gone")), now: bench.now)
        bench.passToNextAttempt()
        #expect(bench.plan()?.session == "none")
    }

    // MARK: Cursors

    @Test("a cursor that grows too long lets go of what a pattern stands for, and says so by the pattern")
    func longCursor() {
        let pattern = ChannelName("a/*")!
        var place = Place(keeping: [pattern])
        place.set(pattern, Broker.Position("1-0")!)
        for number in 0..<1_000 {
            place.set(
                ChannelName("a/\(number)-\(String(repeating: "x", count: 30))")!,
                Broker.Position("\(number + 2)-0")!
            )
        }
        let text = place.text()
        #expect(text.utf8.count <= Place.textBytesMax)
        let positions = Broker.Cursor(text)?.positions ?? [:]
        let oldest = positions.filter { $0.key != pattern }.map(\.value).min()!
        #expect(positions[pattern] == Broker.Position("\(oldest.milliseconds - 1)-0"))
        #expect(positions.values.max() == Broker.Position("1001-0"))
    }

    @Test("however many channels a pattern stands for, a place has so many entries, and none goes back")
    func manyChannels() {
        let pattern = ChannelName("a/*")!
        var place = Place(keeping: [pattern])
        place.set(pattern, Broker.Position("1-0")!)
        let count = UInt64(3 * Place.entryCountMax)
        for number in 2..<count {
            place.set(ChannelName("a/\(number)")!, Broker.Position(milliseconds: number, sequence: 0))
        }
        let floor = place[pattern]!
        #expect(
            floor.milliseconds > UInt64(Place.entryCountMax)
                && floor.milliseconds < count - UInt64(Place.entryCountMax / 2)
        )
        #expect(place.position(in: ChannelName("a/2")!) == floor)
        #expect(place.position(in: ChannelName("a/\(count - 1)")!)?.milliseconds == count - 1)
        #expect(place.position(in: ChannelName("b")!) == nil)
    }
}
