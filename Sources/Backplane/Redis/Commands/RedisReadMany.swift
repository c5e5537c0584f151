internal import Broker

/// Reads of several channels that one master has, in one question. After a loss of its link a node reads every channel that it hears, and most
/// have nothing new: alone each takes 8 to 13 µs of Redis, with 63 others 2 to 5.
struct RedisReadMany: RedisCommand {
    /// What became of one of them.
    enum Found {
        case page(HistoryPage)
        /// It has to be asked alone.
        case unknown
    }

    let reads: [RedisRead]

    /// Asks one of them alone.
    let askAlone: (RedisRead) -> Void

    /// Reads of one question: a quarter of a millisecond of Redis, for which what is published waits.
    static let countMax = 64

    /// Payload of all channels together, with what each entry costs: as long again.
    static let bytesMax: UInt64 = 65_536

    var lane: RedisLane.Kind { .read }
    var weight: Int { reads.count }
    var isFill: Bool { true }
    var isAboutKey: Bool { false }
    var carriedBytes: Int { reads.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { reads[0].key(keys) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.begin(argumentCount: 5 + 2 * reads.count)
        for word in ["FCALL_RO", "perseid_histories", "0"] as [RedisArgument] { buffer.append(word) }
        buffer.append(.text(String(reads.map(\.countMax).min() ?? 0)))
        buffer.append(.number(Self.bytesMax))
        for read in reads {
            buffer.append(.text(read.key(context.keys)))
            buffer.append(.text(read.since?.description ?? ""))
        }
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [Found] {
        guard reply.count == reads.count else { throw RedisNonsense(kind: "histories", what: reply.text) }
        return reads.indices.map { found(of: reads[$0], reply[$0], context) }
    }

    private func found(of read: RedisRead, _ reply: RedisReply, _ context: RedisContext) -> Found {
        if reply.isZero, let since = read.since {
            return .page(HistoryPage(since: since, publications: [], head: since))
        }
        guard reply.isArray, let page = try? read.read(reply, context) else { return .unknown }
        return .page(page)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[Found], BackplaneFailure>) {
        switch outcome {
        case .success(let found):
            for (read, found) in zip(reads, found) {
                switch found {
                case .page(let page): read.tell(delegate, .success(page))
                case .unknown: askAlone(read)
                }
            }
        // What is wrong with one of them, that one is told when it is asked alone.
        case .failure(.refused): for read in reads { askAlone(read) }
        case .failure(let failure): for read in reads { read.tell(delegate, .failure(failure)) }
        }
    }
}

/// What was found missing in a turn, before it is asked for.
struct RedisFills {
    private var reads: [RedisRead] = []

    var isEmpty: Bool { reads.isEmpty }

    mutating func append(_ read: RedisRead) { reads.append(read) }

    /// Takes all: those to be asked alone, for they are few or nobody knows who has them, and those that a master is asked together.
    mutating func take(
        _ owner: (RedisRead) -> RedisShard?
    ) -> (alone: [RedisRead], together: [(RedisShard, [RedisRead])]) {
        defer { reads.removeAll(keepingCapacity: reads.count < Self.keptCountMax) }
        if reads.count < Self.countMin { return (reads, []) }
        var alone: [RedisRead] = []
        var open: [UInt64: (shard: RedisShard, reads: [RedisRead])] = [:]
        var together: [(RedisShard, [RedisRead])] = []
        for read in reads {
            guard let shard = owner(read) else {
                alone.append(read)
                continue
            }
            open[shard.number, default: (shard, [])].reads.append(read)
            guard let full = open[shard.number], full.reads.count == RedisReadMany.countMax else { continue }
            together.append((full.shard, full.reads))
            open[shard.number] = nil
        }
        return (alone, together + open.values.map { ($0.shard, $0.reads) })
    }

    /// So few are asked each for itself: live readers wait for them, and none is to wait for another's history.
    private static let countMin = 8

    /// Memory is kept for as many as a turn has that is nothing special.
    private static let keptCountMax = 1_024
}
