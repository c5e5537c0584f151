internal import Broker
internal import Reactor

/// A master of which something is to be moved to others: whether all nodes know that, and what is left.
///
/// Thread: owned by the uplink. One node at a time, the first by name, looks through its keys for what nobody has asked for; whatever is
/// asked for is moved at once, by whoever asks.
final class RedisFormerMaster {
    let shard: RedisShard

    /// Whether all nodes know, so that what is here may be moved; and whether the master has said that it is so, or that it is not.
    private(set) var hasBegun = false
    private(set) var isKnown = false

    /// What was asked before.
    private var early: [any RedisCommand] = []

    /// Keys that were left when a node looked last; `nil` before that.
    private(set) var leftCount: Int?

    private let plan: String
    private let masters: String

    /// Whether it had channels before; one that only gets some says what is planned, too, so that an older plan of it does not go on.
    private let isFormer: Bool
    private let pauseNanoseconds: UInt64
    private unowned let seat: ReactorSeat
    private var looksForRest = false
    private var nextPlanAt: UInt64 = 0
    private var nextSearchAt: UInt64 = 0

    /// The search under way, and what this node has found left with the last one, until the master was told.
    private var search: Search?
    private var foundCount: Int?

    private struct Search {
        /// Where it goes on; `nil` while the master is asked.
        var next: String? = "0"
        var isLastPart = false
        var foundCount = 0
        /// What waits, and what is on its way.
        var waiting: [(base: String, endings: [String])] = []
        var moving: Set<String> = []
    }

    /// Whether the search goes on already, further up the stack: what cannot be moved has ended before it began.
    private var isGoingOn = false

    /// Something of a channel or session was found: says whether it is to be moved, and begins that.
    var onFound: (_ base: String, _ endings: [String]) -> Bool = { _, _ in false }
    /// It is known now, and these were asked before.
    var onKnown: ([any RedisCommand]) -> Void = { _ in }
    /// It has begun, or less is left.
    var onChange: () -> Void = {}

    /// Those that a search moves at a time: each is in this node's memory for a moment, and it may be the whole history of a channel.
    private static let movingMax = 16

    /// Between two searches: after one that found nothing, and after another.
    private static let restNanoseconds: UInt64 = 60_000_000_000
    private static let breathNanoseconds: UInt64 = 1_000_000_000

    /// `plan` and `masters` are marks of `RedisShardMap`.
    init(
        _ shard: RedisShard,
        isFormer: Bool,
        plan: String,
        masters: String,
        leaseMilliseconds: UInt64,
        seat: ReactorSeat
    ) {
        self.masters = masters
        self.shard = shard
        self.isFormer = isFormer
        self.plan = plan
        self.seat = seat
        pauseNanoseconds = leaseMilliseconds / 3 * 1_000_000
    }

    /// Whether all that was to be moved has been, as far as anybody knows.
    var isDone: Bool { hasBegun && leftCount == 0 }

    func tick() {
        guard shard.commands.isUp else { return }
        if seat.now >= nextPlanAt { sayPlan() }
        if isFormer, hasBegun, looksForRest, search == nil, seat.now >= nextSearchAt {
            search = Search()
            goOn()
        }
    }

    /// Has a command wait until it is known where it is to be asked.
    func hold(_ command: any RedisCommand) {
        early.append(command)
        if early.count == 1 { sayPlan() }
    }

    private func sayPlan() {
        nextPlanAt = seat.now + pauseNanoseconds
        let leftCount = foundCount
        foundCount = nil
        shard.commands.ask(
            RedisPlanMoves(plan: plan, masters: masters, leftCount: leftCount) { [unowned self] outcome in
                switch outcome {
                case .success(let standing): take(standing)
                // Told again: the next search is a minute away, and until then nobody would know that nothing is left.
                case .failure: foundCount = foundCount ?? leftCount
                }
                // If it is lost, whoever waits is told so.
                isKnown = isKnown || outcome.isAnswer
                let waiting = early
                early = []
                onKnown(waiting)
            }
        )
    }

    private func take(_ standing: RedisPlanMoves.Standing) {
        // It does not end before the setting does.
        hasBegun = hasBegun || standing.hasBegun
        looksForRest = standing.looksForRest
        leftCount = standing.leftCount
        onChange()
    }

    // MARK: Looking for what is left

    /// What was found has arrived, or could not be moved.
    func ended(_ key: String) {
        guard search?.moving.remove(key) != nil, !isGoingOn else { return }
        goOn()
    }

    private func goOn() {
        isGoingOn = true
        while (search?.moving.count ?? 0) < Self.movingMax, let next = search?.waiting.popLast() {
            search?.moving.insert(next.base)
            if onFound(next.base, next.endings) { search?.foundCount += 1 } else { search?.moving.remove(next.base) }
        }
        isGoingOn = false
        guard let search, search.waiting.isEmpty, search.moving.isEmpty else { return }
        if search.isLastPart { return end(foundCount: search.foundCount) }
        guard let cursor = search.next else { return }
        self.search?.next = nil
        shard.commands.ask(RedisLeftKeys(cursor: cursor) { [unowned self] in take($0) })
    }

    private func take(_ outcome: Result<(found: [RedisLeftKeys.Found], next: String), BackplaneFailure>) {
        guard case .success(let (found, next)) = outcome else { return end(foundCount: nil) }
        search?.waiting = Self.grouped(found)
        search?.next = next
        search?.isLastPart = next == "0"
        goOn()
    }

    /// What goes along together; of a channel's keys only those are named that nobody could guess.
    private static func grouped(_ found: [RedisLeftKeys.Found]) -> [(base: String, endings: [String])] {
        Dictionary(grouping: found, by: \.base).map { base, found in
            (base, found.map(\.ending).filter { $0.hasPrefix(RedisKeys.onceMark) })
        }
    }

    private func end(foundCount: Int?) {
        search = nil
        self.foundCount = foundCount
        nextSearchAt = seat.now + (foundCount == 0 ? Self.restNanoseconds : Self.breathNanoseconds)
        if foundCount != nil { nextPlanAt = seat.now }
    }
}

extension Result where Failure == BackplaneFailure {
    /// Whether the master has said something.
    fileprivate var isAnswer: Bool { if case .failure(.unavailable) = self { false } else { true } }
}
