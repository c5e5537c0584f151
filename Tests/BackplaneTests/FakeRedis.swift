import Broker
import Foundation
import Testing

@testable import Backplane
@testable import Reactor

/// The other end of a link: a listener, and what its one connection received and says.
final class FakeRedis {
    private var listener: Listener
    private var socket: Socket?
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    /// What was received and not taken yet.
    private(set) var received = ""

    init() throws {
        listener = try Listener(host: "127.0.0.1", port: 0)
    }

    deinit {
        socket?.close()
        room.deallocate()
    }

    var port: UInt16 { listener.port }

    var address: RedisAddress { RedisAddress("redis://127.0.0.1:\(port)")! }

    /// Takes the connection that is on its way.
    func accept() throws {
        var accepted: Socket?
        let isThere = eventually {
            if case .accepted(let socket, _) = listener.accept() { accepted = socket }
            return accepted != nil
        }
        try #require(isThere, "nobody connects")
        close()
        socket = accepted
    }

    /// Whether nobody waits to be accepted; with `accepting` who does is taken.
    func isLeftAlone(accepting isAccepting: Bool = false) -> Bool {
        guard case .accepted(let accepted, _) = listener.accept() else { return true }
        guard isAccepting else { return false }
        close()
        received = ""
        socket = accepted
        return false
    }

    func say(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty, let socket {
            switch bytes.withUnsafeBytes({ socket.send($0) }) {
            case .moved(let count): bytes = bytes.dropFirst(count)
            case .wouldBlock: continue
            case .endOfStream, .failed: return
            }
        }
    }

    func say(_ replies: [String]) { say(replies.joined()) }

    /// What came since it was last asked, once there is something.
    func take() -> String {
        _ = eventually {
            receive()
            return !received.isEmpty
        }
        defer { received = "" }
        return received
    }

    /// What came since it was last asked, if anything did.
    func takeNow() -> String {
        receive()
        defer { received = "" }
        return received
    }

    /// Takes in what is there.
    func receive() {
        while let socket, case .moved(let count) = socket.receive(into: room) {
            received += String(decoding: UnsafeRawBufferPointer(rebasing: room[..<count]), as: UTF8.self)
        }
    }

    func close() {
        socket?.close()
        socket = nil
    }
}

/// On loopback what is said is mostly there at once, and on a machine that is busy a moment later: this waits for that.
func hear(_ link: RedisSubscriptionLink, until isHeard: () -> Bool) {
    _ = eventually {
        link.ready([.read, .write])
        return isHeard()
    }
}

func eventually(_ attempt: () -> Bool) -> Bool {
    let end = Clock.monotonicNanoseconds + 60_000_000_000
    while Clock.monotonicNanoseconds < end { if attempt() { return true } }
    return false
}

extension String {
    func count(of word: String) -> Int { components(separatedBy: word).count - 1 }

    /// As Redis sends a string.
    var asBulk: String { "$\(utf8.count)\r\n\(self)\r\n" }
}

/// A command link, its seat and the Redis at its other end.
final class CommandLinkFixture {
    let redis: FakeRedis
    let link: RedisCommandLink
    // Behind the link, which does not own it and is let go of first.
    let seat = ReactorSeat()
    private(set) var answers: [String] = []
    private(set) var reasons: [String] = []
    private(set) var refusals: [String] = []
    var bulkWaiting: Int { link.bulkWaitingCount }
    var byteCount: Int { link.heldByteCount }
    private var now: UInt64 = Clock.monotonicNanoseconds

    static let missing = "-ERR Function not found\r\n"

    init(
        redis: FakeRedis? = nil,
        name: (String, HostLookup.Resolver)? = nil,
        _ change: (inout Limits) -> Void = { _ in }
    ) throws {
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        change(&limits)
        self.redis = try redis ?? FakeRedis()
        let address = try #require(name.map { RedisAddress("redis://\($0.0)") } ?? self.redis.address)
        seat.setClock(now)
        link = RedisCommandLink(
            address: address,
            context: RedisContext(limits: limits, nodeID: "a", incarnation: "", keys: RedisKeys()),
            facts: "{}",
            token: 1,
            seat: seat,
            resolver: name?.1 ?? HostLookup.askSystem
        )
        link.onAnswer = { [unowned self] in answers.append(Self.describe($0, $1)) }
        link.onChange = { [unowned self] in reasons.append($0 ?? "up") }
        link.onRefused = { [unowned self] in refusals.append($0) }
        link.connect()
    }

    private static func describe(
        _ command: any RedisCommand,
        _ outcome: Result<RedisReply, BackplaneFailure>
    ) -> String {
        let name =
            switch command {
            case let command as RedisPublish: "publish \(command.request.ticket.number)"
            case let command as RedisSave: "save \(command.fence)"
            case let command as RedisMembers: "list \(command.ticket.number)"
            case let command as RedisRead: "read \(command.channel) \(command.purpose)"
            default: "other"
            }
        return switch outcome {
        case .success(let reply): "\(name): \(reply.isInteger ? "\(reply.integer)" : reply.text)"
        case .failure(.refused): "\(name) refused"
        case .failure(let failure): "\(name) \(failure)"
        }
    }

    func takeAnswers() -> [String] {
        defer { answers = [] }
        return answers
    }

    func takeReasons() -> [String] {
        defer { reasons = [] }
        return reasons
    }

    /// Lets so much time go by, a tick of the clock at a time.
    func wait(milliseconds: UInt64) {
        for _ in 0..<(milliseconds / 250) {
            now += 250_000_000
            seat.setClock(now)
            if let tick = seat.advanceClock() { link.tick(tick) }
            link.endOfTurn()
        }
    }

    /// Has the connection that is on its way made.
    func connect() throws {
        try redis.accept()
        try #require(
            eventually {
                link.ready(.write)
                return link.endpoint != nil && isConnected
            }
        )
    }

    /// The same, once the name is looked up; meanwhile the clock may run ahead of the thread that does.
    func connectByName() throws {
        let isFound = eventually {
            wait(milliseconds: 250)
            return link.endpoint != nil
        }
        try #require(isFound)
        try connect()
        reasons = []
    }

    private var isConnected: Bool {
        link.endOfTurn()
        redis.receive()
        return !redis.received.isEmpty
    }

    /// Greets as a Redis does that has the functions.
    func greet() throws {
        try connect()
        reply([Self.hello(), ":\(RedisFunctions.version)\r\n"])
        reply(["$0\r\n\r\n", "+OK\r\n"])
        _ = redis.take()
        try #require(link.isUp)
    }

    static func hello(mode: String = "standalone", role: String = "master") -> String {
        "*4\r\n" + "mode".asBulk + mode.asBulk + "role".asBulk + role.asBulk
    }

    /// What Redis got since it was last asked.
    func sent() -> String {
        link.endOfTurn()
        return redis.take()
    }

    func reply(_ replies: [String]) {
        link.endOfTurn()
        redis.receive()
        redis.say(replies)
        link.ready([.read, .write])
        link.endOfTurn()
    }
}
