internal import Backplane
internal import Broker
internal import Hooks
internal import Hub
internal import Reactor
internal import Synchronization
internal import Wire

// Where the facts are from: what each thread of the node counts, for all to read.
extension NodeFacts {
    /// Gathers them; some 50 µs.
    init(_ status: NodeStatus, _ configuration: EdgeConfiguration) {
        let (state, reason) = status.standing
        let lists = status.reactors.map { reactor in reactor.busiest.withLock { $0 } }
        self.init(
            node: configuration.nodeID,
            version: configuration.version,
            time: Clock.realtimeMilliseconds,
            uptimeSeconds: (Clock.monotonicNanoseconds - status.startNanoseconds) / 1_000_000_000,
            state: state,
            reason: reason,
            backplane: configuration.isClustered ? "redis" : "memory",
            connections: status.connections,
            gauges: Self.gauges(status),
            counters: Self.counters(status),
            fanoutMilliseconds: status.fanout,
            busiest: ChannelActivity.busiest(of: lists, countMax: Self.busiestMax).map { Channel($0) }
        )
    }

    private static func gauges(_ status: NodeStatus) -> [String: Int] {
        let uplink = status.uplink
        return [
            "reactors": status.reactors.count,
            "polls": status.sum(\.hub.polls),
            "subscriptions": status.sum(\.hub.subscriptions),
            "channels": uplink.channels.value,
            "sessions": uplink.sessions.value,
            "members": uplink.members.value,
            "laggards": status.sum(\.hub.laggards),
            "logBytes": status.sum(\.hub.logBytes),
            "residentBytes": status.sum(\.residentBytes),
            "loopLagMicroseconds": status.reactors.map(\.longestTurnMicroseconds.value).max() ?? 0,
            "backplaneUp": uplink.isUp.value,
            "redisWaitingBytes": uplink.redisBytes.value,
            "hooksLetAlone": HookName.allCases.reduce(0) { $0 + status.hooks[$1].isOpen.value },
        ]
    }

    private static func counters(_ status: NodeStatus) -> [String: Int] {
        let uplink = status.uplink
        return [
            "accepted": status.sum(\.accepted),
            "refused": status.sum(\.refused),
            "shed": status.sum(\.shed),
            "requests": status.sum(\.requests),
            "rejections": status.sum(\.rejections),
            "forbidden": status.sum(\.forbidden),
            "timeouts": status.sum(\.timeouts) + status.sum(\.hub.joinsTimedOut),
            "sentBytes": status.sum(\.bytesSent),
            "receivedBytes": status.sum(\.bytesReceived),
            "publishes": status.sum(\.publishes),
            "publishesRefused": status.sum(\.publishesRefused),
            "publications": uplink.publicationsHeard.value + uplink.ephemeralsHeard.value,
            "deliveries": status.sum(\.hub.deliveries),
            "disconnects": status.sum(\.hub.disconnects),
            "skips": status.sum(\.hub.skips),
            "latests": status.sum(\.hub.latests),
            "evictions": status.sum(\.evictions),
            "gapsFound": uplink.gapsFound.value,
            "gapsFilled": uplink.gapsFilled.value,
            "gapsReported": uplink.gapsReported.value,
            "redisLosses": uplink.linkLosses.value,
            "redisRoundTrips": uplink.roundTrips.value,
            "redisRoundTripMicroseconds": uplink.roundTripNanoseconds.value / 1_000,
            "turnMicroseconds": status.reactors.reduce(0) { $0 + $1.turns.sumMicroseconds.value },
        ]
    }
}

extension NodeStatus {
    fileprivate func sum(_ counter: KeyPath<EdgeMetrics, Counter>) -> Int {
        reactors.reduce(0) { $0 + $1[keyPath: counter].value }
    }

    fileprivate var connections: [String: Int] {
        var all = ["http": sum(\.httpConnections)]
        for carrier in CarrierID.all where !carrier.traits.contains(.isOneAnswer) {
            all["\(carrier.carrier.name)"] = reactors.reduce(0) { $0 + $1.connections(of: carrier).value }
        }
        return all
    }

    fileprivate var fanout: NodeFacts.Histogram {
        let buckets = 0...LatencyHistogram.boundsMilliseconds.count
        return NodeFacts.Histogram(
            bounds: LatencyHistogram.boundsMilliseconds,
            counts: buckets.map { bucket in
                reactors.reduce(0) { $0 + $1.hub.fanoutLatency.buckets[bucket].value }
            }
        )
    }

    /// What `/readyz` goes by, in its order.
    fileprivate var standing: (state: NodeFacts.State, reason: String?) {
        if isDraining { return (.draining, "the node is going away") }
        if uplink.isUp.value != 1 { return (.hindered, trouble ?? "the backplane is away") }
        if wantsKeys { return (.hindered, "keys of tokens are not there yet") }
        if let overload { return (.overloaded, "\(overload.reason)") }
        return (.ready, nil)
    }
}
