internal import Broker
internal import DequeModule
internal import Reactor

/// The connection to a master for what is only answered once replicas have it, too. Publications that come while others wait go together
/// and share one `WAIT`: whoever publishes much waits as often as whoever publishes little. It is a connection of its own, for `WAIT`
/// holds up whatever stands behind it.
///
/// Thread: owned by the uplink. It is made with the first publication that needs it.
///
/// Source: https://redis.io/docs/latest/commands/wait/: it waits for the replicas to have all that this connection wrote before.
final class RedisDurableLink {
    private let link: RedisCommandLink
    private let context: RedisContext
    private var isWanted = false

    /// Whether the link was lost, or could not be made, and is not there again; or it is needed no longer.
    private var isAway = false

    /// Those that wait for their turn; those that are published, and wait for the replicas.
    private var waiting: Deque<RedisPublish> = []
    private var published: [(publication: RedisPublish, position: Position)] = []

    /// What is held for all that is not answered, in bytes.
    private(set) var heldByteCount = 0

    /// Whether some are under way, and their `WAIT` behind them.
    private var isUnderWay = false

    /// Whether their `WAIT` was answered before them, for the functions had to be loaded first: then it is repeated behind them.
    private var isOvertaken = false

    /// One is answered.
    var onPublished: (RedisPublish, Result<Position, BackplaneFailure>) -> Void = { _, _ in }

    /// A node of a cluster sends one somewhere else.
    var onRedirected: (any RedisCommand, RedisRedirect) -> Void = { _, _ in }

    /// Another master has the channel of one.
    var onElsewhere: ((any RedisCommand) -> Void)? {
        didSet {
            link.onElsewhere = onElsewhere.map { sendOn in
                { [unowned self] in
                    heldByteCount -= $0.byteCount
                    sendOn($0)
                }
            }
        }
    }

    /// So many were published, of which so many are not on enough replicas.
    var onSettled: (_ count: Int, _ missed: Int) -> Void = { _, _ in }

    /// Those that go together, at most.
    private static let batchMax = 1_024

    init(_ link: RedisCommandLink, context: RedisContext) {
        self.link = link
        self.context = context
        link.onAnswer = { [unowned self] in take($0, $1) }
        link.onRedirected = { [unowned self] in
            heldByteCount -= $0.byteCount
            onRedirected($0, $1)
        }
        link.onWaited = { [unowned self] in settle(replicas: $0) }
        link.onChange = { [unowned self] in
            isAway = $0 != nil
            if isAway { lose() }
        }
    }

    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func tick(_ tick: Tick) { if isWanted { link.tick(tick) } }

    /// All that new links to its master ask for was answered.
    func settle() { if link.isUp { link.settle() } }

    func finish(withinMilliseconds milliseconds: UInt64) { link.finish(withinMilliseconds: milliseconds) }

    /// Whether nobody waits for an answer.
    var isIdle: Bool { waiting.isEmpty && published.isEmpty && link.isIdle }

    /// The master is there now.
    func aim(at place: RedisPlace) { if isWanted { link.aim(at: place) } else { link.aimLater(at: place) } }

    func end() {
        isAway = true
        link.end()
        lose()
    }

    /// Those that are not answered and for which something is so.
    func unansweredCount(where isMeant: (any RedisCommand) -> Bool) -> Int {
        // bounded: counts what there is
        waiting.count { isMeant($0) } + link.unansweredCount(where: isMeant)
    }

    // MARK: Publishing

    func ask(_ publication: RedisPublish) {
        guard !isAway else { return onPublished(publication, .failure(.unavailable)) }
        guard waiting.count < context.limits.redisRequestsMax, heldByteCount < context.limits.redisBytesMax else {
            return onPublished(publication, .failure(.overloaded))
        }
        heldByteCount += publication.byteCount
        waiting.append(publication)
        guard !isWanted else { return }
        isWanted = true
        link.connect()
    }

    /// One that another node of a cluster has sent here.
    func askEarly(_ publication: RedisPublish) {
        guard link.isUp, !isUnderWay else { return ask(publication) }
        isUnderWay = true
        heldByteCount += publication.byteCount
        link.askEarly(publication)
        link.wait(for: publication.request.replicasMin, milliseconds: patienceMilliseconds)
    }

    func endOfTurn() {
        if isOvertaken, link.isUp, isPublished { waitAgain() }
        if !isUnderWay, link.isUp, !waiting.isEmpty { begin() }
        link.endOfTurn()
    }

    private func begin() {
        isUnderWay = true
        var replicas = 1
        for _ in 0..<min(waiting.count, Self.batchMax) {
            let publication = waiting.removeFirst()
            replicas = max(replicas, publication.request.replicasMin)
            link.ask(publication)
        }
        link.wait(for: replicas, milliseconds: patienceMilliseconds)
    }

    /// An answer must come before the link is taken for dead.
    private var patienceMilliseconds: UInt64 {
        min(context.limits.durableMilliseconds, context.limits.redisMilliseconds / 2)
    }

    // MARK: Answers

    private func take(_ command: any RedisCommand, _ outcome: Result<RedisReply, BackplaneFailure>) {
        guard let publication = command as? RedisPublish else { return }
        switch outcome {
        case .failure(let failure): answer(publication, .failure(failure))
        case .success(let reply):
            do throws(RedisNonsense) {
                published.append((publication, try publication.read(reply, context)))
            } catch {
                context.complain(error.description)
                answer(publication, .failure(.refused(error.description)))
            }
        }
    }

    private func answer(_ publication: RedisPublish, _ outcome: Result<Position, BackplaneFailure>) {
        heldByteCount -= publication.byteCount
        onPublished(publication, outcome)
    }

    /// Whether nothing of what is under way is yet to be published.
    private var isPublished: Bool { link.unansweredCount { _ in true } == 0 }

    /// All are published now whose `WAIT` was answered before that.
    private func waitAgain() {
        isOvertaken = false
        let replicas = published.map(\.publication.request.replicasMin).max() ?? 0
        link.wait(for: replicas, milliseconds: patienceMilliseconds)
    }

    private func settle(replicas: Int) {
        guard isPublished else {
            isOvertaken = true
            return
        }
        isUnderWay = false
        let done = published
        published = []
        var missed = 0
        for (publication, position) in done {
            let wanted = publication.request.replicasMin
            if replicas >= wanted {
                answer(publication, .success(position))
            } else {
                missed += 1
                let text = "NOREPLICAS it is published, and \(replicas) of \(wanted) replicas have it"
                context.complain(text)
                answer(publication, .failure(.refused(text)))
            }
        }
        onSettled(done.count, missed)
    }

    /// What was published may be on no replica, and what waited was not sent.
    private func lose() {
        (isUnderWay, isOvertaken) = (false, false)
        let (done, rest) = (published, waiting)
        (published, waiting) = ([], [])
        for (publication, _) in done { answer(publication, .failure(.unavailable)) }
        for publication in rest { answer(publication, .failure(.unavailable)) }
    }
}
