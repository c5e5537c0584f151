internal import Broker

/// One question to Redis: the key that it is about, its words, and what the answer means.
///
/// There is a file for each family of them: channels, sessions, presence, counts. What a link says for itself is in
/// `RedisQuestion`.
protocol RedisCommand {
    /// What the answer means to who asked.
    associatedtype Answer

    /// Which questions it shares a lane with.
    var lane: RedisLane.Kind { get }

    /// What it carries in memory until it is answered, its text on the way out included, beyond what every question takes: an
    /// upper bound.
    var carriedBytes: Int { get }

    /// The channel in which nothing asked later may come before it.
    var orderedChannel: ChannelName? { get }

    /// How many replicas must have what it writes before it is answered.
    var replicasMin: Int { get }

    /// The channel that is not heard if Redis says that it may not be.
    var openedChannel: ChannelName? { get }

    /// How many of its lane's places it takes.
    var weight: Int { get }

    /// Whether it reads what was missed of channels, and is asked for anew when more is.
    var isFill: Bool { get }

    /// Whether it is asked where its key is; what names no key is asked of a master.
    var isAboutKey: Bool { get }

    /// The key it is about, by which a server is chosen where there are several.
    func key(_ keys: RedisKeys) -> String

    /// Appends its words.
    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext)

    /// Reads the answer; what of it makes no sense by itself is complained of and left out.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Answer

    /// Tells who asked.
    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Answer, BackplaneFailure>)
}

/// An answer that makes no sense: the data behind it is not the function library's.
struct RedisNonsense: Error {
    /// What should have been there, and what was.
    let kind: String
    let what: String

    /// As the log is told.
    var description: String { "\(RedisRefusalLog.brokenMark)\(kind): \(what.prefix(100))" }
}

extension RedisCommand {
    var carriedBytes: Int { 0 }
    var orderedChannel: ChannelName? { nil }
    var openedChannel: ChannelName? { nil }
    var replicasMin: Int { 0 }
    var weight: Int { 1 }
    var isFill: Bool { false }
    var isAboutKey: Bool { true }

    /// What it holds in memory until it is answered.
    var byteCount: Int { RedisCommandBytes.overhead + carriedBytes }

    /// Tells who asked what Redis answered. Where that makes no sense it is told, and who asked is refused; whatever concerns
    /// other keys goes on.
    func answer(
        _ outcome: Result<RedisReply, BackplaneFailure>,
        _ context: RedisContext,
        to delegate: any BackplaneDelegate
    ) {
        switch outcome {
        case .failure(let failure): tell(delegate, .failure(failure))
        case .success(let reply):
            do throws(RedisNonsense) {
                tell(delegate, .success(try read(reply, context)))
            } catch {
                context.complain(error.description)
                tell(delegate, .failure(.refused(error.description)))
            }
        }
    }
}

extension RedisCommand where Answer == Void {
    /// Nobody waits for the answer.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) {}

    /// Nobody waits for it.
    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Void, BackplaneFailure>) {}
}

/// What questions take in memory.
enum RedisCommandBytes {
    /// A question, its place in two queues, its fixed words, a channel's name of 255 bytes twice.
    static let overhead = 1_024

    /// A member or a channel with its position, as value and as text: names are at most 255 bytes.
    static let listed = 640

    /// An argument and its copy on the way out, unless it is sent from where it is.
    static func of(argument count: Int) -> Int {
        count < RedisCommandBuffer.sharedBytesMin ? 2 * count : count
    }
}

/// What all questions of a node are written and all answers are read with.
struct RedisContext {
    let limits: Limits
    let keys: RedisKeys
    let nodeID: String
    let node: RedisArgument
    let nodeKey: RedisArgument

    /// The name of this process among those that may go by the node's name.
    let incarnation: RedisArgument

    /// What a payload from outside is.
    let classify: PayloadClassifier

    /// Has the operator told of an answer that makes no sense.
    let complain: (String) -> Void

    /// What publishes say of history. Only what differs from the function library's own: half of the bytes, and of the time that
    /// both sides spend on them.
    private let usualOptions: [RedisArgument]

    /// What publishes to keyed channels say of what is kept of them.
    private let usualKeyedOptions: [RedisArgument]

    /// Whether all keys are named that a function touches, as a Redis Cluster needs them.
    let isClustered: Bool

    /// Marks of the masters that share the channels as this node knows it, and of those before; none where a Redis Cluster knows that
    /// itself. See `RedisShardMap.mark`.
    let masterMarks: [RedisArgument]

    init(
        limits: Limits,
        nodeID: String,
        incarnation: String,
        keys: RedisKeys,
        isClustered: Bool = false,
        masterMarks: [String] = [],
        classify: @escaping PayloadClassifier = { Payload(kind: $1 ?? .binary, bytes: Array($0)) },
        complain: @escaping (String) -> Void = { _ in }
    ) {
        self.limits = limits
        self.keys = keys
        self.isClustered = isClustered
        self.masterMarks = masterMarks.map { .text($0) }
        self.classify = classify
        self.complain = complain
        self.nodeID = nodeID
        node = .text(nodeID)
        nodeKey = .text(keys.node(nodeID))
        self.incarnation = .text(incarnation)
        usualOptions = Self.historyOptions(.usual, limits)
        usualKeyedOptions = Self.keyedOptions(.usual, limits)
    }

    /// The keys that a function touches: the one that it is about, and where that matters those with something behind it.
    func touched(_ key: String, _ endings: [String]) -> [String] {
        isClustered ? [key] + endings.map { key + $0 } : [key]
    }

    /// What a publish says of history, by the rule of its channel.
    func historyOptions(_ rule: HistoryRule, isKeyed: Bool) -> [RedisArgument] {
        if rule == .usual { return isKeyed ? usualKeyedOptions : usualOptions }
        return isKeyed ? Self.keyedOptions(rule, limits) : Self.historyOptions(rule, limits)
    }

    private static func historyOptions(_ rule: HistoryRule, _ limits: Limits) -> [RedisArgument] {
        let usual = Limits()
        let (countMax, age) = (rule.countMax(isKeyed: false, limits), rule.ageMilliseconds(isKeyed: false, limits))
        var options: [RedisArgument] = []
        if countMax != usual.historyCountMax { options += ["HISTORY", .text(String(countMax))] }
        if age != usual.historyMilliseconds { options += ["TTL", .number(age)] }
        return options + headOptions(limits)
    }

    private static func keyedOptions(_ rule: HistoryRule, _ limits: Limits) -> [RedisArgument] {
        let countMax = rule.countMax(isKeyed: true, limits)
        let age = rule.ageMilliseconds(isKeyed: true, limits)
        return ["KEYED", .text(String(countMax)), "TTL", .number(age)] + headOptions(limits)
    }

    static func headOptions(_ limits: Limits) -> [RedisArgument] {
        limits.headMilliseconds == Limits().headMilliseconds ? [] : ["HEADTTL", .number(limits.headMilliseconds)]
    }
}
