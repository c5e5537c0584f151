internal import Broker
internal import Reactor

/// The Sentinels of a master, of which several are heard at once: the one that leads a failover tells of it last, and one that is cut off
/// never does. What is believed is the newest: nobody is sent back to the master of before.
///
/// Thread: owned by the uplink.
final class RedisSentinelWatch {
    private let links: [RedisSentinelLink]

    /// Those that were named, and behind them those that these told of.
    private var places: [RedisPlace]
    private var next = 0

    /// Of the answer that is believed: Sentinels raise it with each failover.
    private var epoch: UInt64 = 0

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
            link.onFound = { [unowned self] in take($0, $1) }
            link.onOthers = { [unowned self] in learn($0) }
            link.onChange = { [unowned self] in changed(index, $0) }
        }
    }

    /// Links in use: one for each that is known.
    private var inUse: ArraySlice<RedisSentinelLink> { links.prefix(min(next, Self.linksMax)) }

    func connect() { for link in inUse { link.connect() } }
    // bounded: tokens are those of the links
    func ready(token: UInt64, _ readiness: Readiness) { links[Int(token)].ready(readiness) }
    func tick(_ tick: Tick) { for link in inUse { link.tick(tick) } }
    func endOfTurn() { for link in inUse { link.endOfTurn() } }

    /// What they named does not work, or not any more: they are asked again.
    func doubt() { for link in inUse { link.askAgain() } }

    /// Sentinels that are known, and heard.
    var placeCount: Int { places.count }
    var reachedCount: Int { inUse.count { $0.isReached } }

    private func take(_ place: RedisPlace, _ newest: UInt64) {
        guard newest >= epoch else { return }
        epoch = newest
        onFound(place)
    }

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
