internal import Broker

/// Requests of one kind: how many are under way, and which wait for these.
///
/// Thread: owned by the command link. What one client can ask for without end has a lane of its own, so that it waits for
/// itself and is refused by itself, and what is published passes it: with one queue for all, `presence` asked again and again
/// by one WebSocket cost a fifth of the others' publishes.
struct RedisLane {
    enum Kind: Int, CaseIterable {
        /// Always under way, as many as there is room for: they are pipelined.
        case publish
        /// What live subscribers wait for: holes, and who comes back. There is one for each channel at most.
        case read
        /// Heads of newly watched channels.
        case opening
        /// Sessions, presence, counts: what nodes keep up.
        case upkeep
        /// What users have of what is limited: small, and whoever is busy may have to wait for it, so not behind a thousand sessions.
        case rate
        /// What clients ask: history, presence, how many there are. An answer may be large.
        case question

        /// Whether it can come by the thousand at once, and must then not stand in the way of what is published.
        var isBulk: Bool { self == .opening || self == .upkeep || self == .question }
    }

    /// How many may be under way of what is bounded by their number alone.
    private let placesMax: Int

    /// How many may be of reads: a node has one for each channel after a loss of its link.
    private var flight: RedisFlight?

    private let countMax: Int
    private let bytesMax: Int

    private(set) var waiting = BurstQueue<any RedisCommand>()
    private var underWay = 0

    /// The places that those that wait and those under way take.
    private(set) var placeCount = 0

    /// What those that wait and those under way hold.
    private(set) var byteCount = 0

    init(_ kind: Kind, limits: Limits) {
        flight = kind == .read ? RedisFlight(channelsMax: limits.redisReadsMax, limits: limits) : nil
        placesMax =
            switch kind {
            case .publish, .read: .max
            case .opening, .upkeep, .rate: limits.redisBulkMax
            case .question: max(limits.redisBulkMax / 8, 1)
            }
        countMax =
            switch kind {
            case .read: .max
            case .publish, .opening, .upkeep, .rate: limits.redisRequestsMax
            case .question: limits.redisQuestionsMax
            }
        bytesMax = kind == .read ? .max : limits.redisBytesMax
    }

    /// Whether nothing is to be answered any more.
    var isEmpty: Bool { underWay == 0 && waiting.isEmpty }

    /// Those that wait, beyond which whoever can wait with more does: enough for Redis never to wait for them.
    private static let waitingMax = 512

    /// Whether there is room for what can wait; half of the lane is left to what cannot.
    var hasRoom: Bool { waiting.count < min(Self.waitingMax, countMax / 2) && byteCount < bytesMax / 2 }

    /// Takes a question in, unless the lane is full.
    mutating func append(_ request: any RedisCommand) -> Bool {
        guard waiting.count + underWay < countMax, byteCount < bytesMax else { return false }
        byteCount += request.byteCount
        placeCount += request.weight
        waiting.append(request)
        return true
    }

    /// Takes one in that is under way at once, whatever waits: it was under way already elsewhere.
    mutating func force(_ request: any RedisCommand) {
        byteCount += request.byteCount
        placeCount += request.weight
        underWay += request.weight
    }

    /// The next that may be under way.
    mutating func next() -> (any RedisCommand)? {
        guard underWay < flight?.channelCount ?? placesMax, let request = waiting.popFirst() else { return nil }
        underWay += request.weight
        return request
    }

    /// One that was under way is answered.
    mutating func end(_ request: any RedisCommand) {
        underWay -= request.weight
        placeCount -= request.weight
        byteCount -= request.byteCount
    }

    /// Redis took so long to answer one.
    mutating func note(_ request: any RedisCommand, answeredAfter nanoseconds: UInt64) {
        flight?.answered(request.weight, after: nanoseconds)
    }

    /// Redis answered nothing for as long as the link waits.
    mutating func runOut() { flight?.runOut() }

    /// Gives up those that wait and for which something is so.
    mutating func removeWaiting(where isMeant: (any RedisCommand) -> Bool) -> [any RedisCommand] {
        let given = waiting.removeAll(where: isMeant)
        guard !given.isEmpty else { return [] }
        placeCount -= given.reduce(0) { $0 + $1.weight }
        byteCount -= given.reduce(0) { $0 + $1.byteCount }
        return given
    }

    /// Gives up all, and returns those that waited.
    mutating func removeAll() -> [any RedisCommand] {
        underWay = 0
        placeCount = 0
        byteCount = 0
        return waiting.removeAll { _ in true }
    }
}
