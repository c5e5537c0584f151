internal import Broker
internal import TLS

/// What the nodes of a cluster seal TLS's tickets with: for each stretch of time a secret in Redis that whoever came first has drawn. So
/// a client resumes on any node what it agreed with another.
///
/// Thread: owned by the uplink. A secret is there before its time, and goes by itself once nothing can be opened with it any more.
struct RedisTickets {
    /// By the stretch that they are for.
    private var secrets: [UInt64: [UInt8]] = [:]
    private var current: UInt64 = 0

    private static let turnMilliseconds = TicketSecrets.turnSeconds * 1_000

    /// What is missing at a time: the secrets of this stretch, of the one before and of the next.
    mutating func missing(nowMilliseconds now: UInt64) -> [UInt64] {
        current = now / Self.turnMilliseconds
        secrets = secrets.filter { $0.key + 1 >= current }
        return [current, current + 1, current - min(current, 1)].filter { secrets[$0] == nil }
    }

    /// Takes one over.
    mutating func take(_ secret: [UInt8], of turn: UInt64) { secrets[turn] = secret }

    /// The secret that seals, first, and those that open besides; `nil` while it is not known.
    var all: [[UInt8]]? {
        guard let newest = secrets[current] else { return nil }
        return [newest] + secrets.filter { $0.key != current }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// How long a secret is of use from a time on: in its stretch, and for as long again.
    static func leftMilliseconds(of turn: UInt64, nowMilliseconds now: UInt64) -> UInt64 {
        let end = (turn + 2) * turnMilliseconds
        return max(end - min(now, end), 1)
    }
}

/// Asks for the secret of a stretch of time, and leaves one of its own where there is none. Source: `SET` with NX and GET, since 7.0.
struct RedisTicketSecret: RedisCommand {
    let turn: UInt64
    let nowMilliseconds: UInt64

    /// What is left there if nothing is.
    let drawn: [UInt8]

    /// Hands it over.
    let take: (_ turn: UInt64, _ secret: [UInt8]) -> Void

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.tickets(turn) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let left = RedisTickets.leftMilliseconds(of: turn, nowMilliseconds: nowMilliseconds)
        buffer.append([
            "SET", .text(key(context.keys)), .text(Self.text(of: drawn)), "NX", "GET", "PX", .number(left),
        ])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [UInt8] {
        guard reply.isString else { return drawn }
        guard let secret = Self.secret(from: reply.text) else {
            throw RedisNonsense(kind: "a secret of tickets", what: "\(reply.bytes.count) bytes")
        }
        return secret
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[UInt8], BackplaneFailure>) {
        // Without it the node goes on with what it has.
        if case .success(let secret) = outcome { take(turn, secret) }
    }

    // MARK: As a text

    private static let digits = Array("0123456789abcdef".utf8)

    static func text(of secret: [UInt8]) -> String {
        // bounded: half a byte
        String(decoding: secret.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func secret(from text: String) -> [UInt8]? {
        let digits = text.utf8.map { Self.digits.firstIndex(of: $0) }
        guard digits.count == 2 * TicketKeys.secretByteCount else { return nil }
        var secret: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[place], let low = digits[place + 1] else { return nil }
            secret.append(UInt8(truncatingIfNeeded: high << 4 | low))
        }
        return secret
    }
}
