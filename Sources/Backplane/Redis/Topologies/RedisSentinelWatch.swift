internal import Broker
internal import Reactor

/// The Sentinels of a master, of which several are heard at once: the one that leads a failover tells of it last, and one that is cut off
/// never does. What is believed is the newest: nobody is sent back to the master of before. Only of Sentinels that were set up anew, and count
/// from the beginning, older things are believed, as most of them stay with those.
///
/// Thread: owned by the uplink.
final class RedisSentinelWatch {
    private let links: [RedisSentinelLink]
    private let namedCount: Int
    private let limits: Limits
    private unowned let seat: ReactorSeat

    /// Those that were named, and behind them those that these told of.
    private var places: [RedisPlace]
    private var next = 0

    /// Of the answer that is believed: Sentinels raise it with each failover.
    private var epoch: UInt64 = 0

    /// Since when most Sentinels say what is older than that, on the monotonic clock in nanoseconds.
    private var olderSince: UInt64?

    /// The Sentinels were set up anew, and are believed.
    var onSetUpAnew: () -> Void = {}
    /// Where the master is now.
    var onFound: (RedisPlace) -> Void = { _ in }
    /// The first Sentinel was reached (no reason), or the last one was lost.
    var onChange: (String?) -> Void = { _ in }

    /// Sentinels that are heard at once: as many as most deployments have.
    static let linksMax = 5

    /// Sentinels that are remembered, at most.
    private static let placesMax = 32

    init(
        _ sentinels: RedisSentinels,
        master: RedisAddress,
        limits: Limits,
        firstToken: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver
    ) {
        let places = sentinels.places.shuffled()
        self.places = places
        self.limits = limits
        self.seat = seat
        namedCount = places.count
        links = (0..<Self.linksMax).map { index in
            RedisSentinelLink(
                sentinels,
                at: places[index % places.count],
                master: master,
                limits: limits,
                // bounded: an index of few
                token: firstToken + UInt64(index),
                seat: seat,
                room: room,
                resolver: resolver
            )
        }
        next = min(places.count, Self.linksMax)
        for (index, link) in links.enumerated() {
            link.onFound = { [unowned self] in take($0) }
            link.onOthers = { [unowned self] in learn($0) }
            link.onChange = { [unowned self] in changed(index, $0) }
        }
    }

    /// Links in use: one for each that is known.
    private var inUse: ArraySlice<RedisSentinelLink> { links.prefix(min(next, Self.linksMax)) }

    func connect() { for link in inUse { link.connect() } }
    // bounded: tokens are those of the links
    func ready(token: UInt64, _ readiness: Readiness) { links[Int(token)].ready(readiness) }
    func tick(_ tick: Tick) {
        for link in inUse { link.tick(tick) }
        considerOlder()
    }

    func endOfTurn() { for link in inUse { link.endOfTurn() } }

    /// What they named does not work, or not any more: they are asked again.
    func doubt() { for link in inUse { link.askAgain() } }

    /// Sentinels that are known; that are heard; that have answered all that they were asked.
    var placeCount: Int { places.count }
    var reachedCount: Int { inUse.count { $0.isReached } }
    var answeredCount: Int { inUse.count { $0.isAnswered } }

    private func take(_ answer: RedisSentinelLink.Answer) {
        guard answer.epoch >= epoch else { return }
        epoch = answer.epoch
        onFound(answer.place)
    }

    // MARK: Sentinels that were set up anew

    /// Believes what is older if most Sentinels say it, none says otherwise, and all that are reached were asked again since: where a failover
    /// has just been, those that had not heard of it have by then.
    private func considerOlder() {
        guard let answer = olderAnswer else {
            olderSince = nil
            return
        }
        guard let since = olderSince else {
            olderSince = seat.now
            return doubt()
        }
        // Whoever did not answer in that time is taken for lost.
        guard seat.now > since, (seat.now - since) / 1_000_000 > limits.redisMilliseconds else { return }
        olderSince = nil
        epoch = answer.epoch
        onSetUpAnew()
        onFound(answer.place)
    }

    /// The newest of what is said, if that is older than what is believed, and most Sentinels have said something.
    private var olderAnswer: RedisSentinelLink.Answer? {
        let answers = inUse.compactMap(\.answer)
        guard let newest = answers.max(by: { $0.epoch < $1.epoch }), newest.epoch < epoch else { return nil }
        // One that was set up a moment ago knows no others yet.
        let sentinelCount = max(namedCount, answers.map(\.sentinelCount).max() ?? 0)
        return answers.count >= min(sentinelCount / 2 + 1, Self.linksMax) ? newest : nil
    }

    // MARK: Which are heard

    /// Those that there are links left for are heard, too.
    private func learn(_ others: [RedisPlace]) {
        for place in others where !places.contains(place) && places.count < Self.placesMax {
            places.append(place)
            guard next < Self.linksMax else { continue }
            links[next].aim(at: place)
            links[next].connect()
            next += 1
        }
    }

    private func changed(_ index: Int, _ reason: String?) {
        if reason == nil || !inUse.contains(where: \.isReached) { onChange(reason) }
        if reason != nil { tryAnother(index) }
    }

    /// One that nobody is connected to takes its place, if there is one.
    private func tryAnother(_ index: Int) {
        let taken = inUse.map(\.place)
        guard let other = places.first(where: { !taken.contains($0) }) else { return }
        // To the end, so that each has its turn.
        let place = links[index].place
        links[index].aim(at: other)
        places.removeAll { $0 == place }
        places.append(place)
    }
}
