internal import Broker

/// What is under way while the function library is loaded anew, because someone flushed or replaced the functions.
///
/// Thread: owned by the command link. However many requests find them missing, they are loaded once; those wait and are
/// repeated in order, before anything that was asked later. Of one channel nothing is repeated behind what was sent after it
/// and found the functions already: that would reorder what one connection publishes.
struct RedisRepair {
    private var missed: [RedisPending] = []
    private var channels: Set<ChannelName> = []
    private var overtaken: Set<ChannelName> = []

    /// A request found the functions missing.
    mutating func miss(_ request: RedisPending) {
        missed.append(request)
        if case .publish(let publish) = request.request { channels.insert(publish.channel) }
    }

    /// A request that was sent behind them was answered.
    mutating func pass(_ request: RedisRequest) {
        guard case .publish(let publish) = request, channels.contains(publish.channel) else { return }
        overtaken.insert(publish.channel)
    }

    /// All that found the functions missing.
    var requests: [RedisPending] { missed }

    /// Whether a request must not be repeated.
    func isOvertaken(_ request: RedisRequest) -> Bool {
        guard case .publish(let publish) = request else { return false }
        return overtaken.contains(publish.channel)
    }
}

/// A request that Redis has not answered.
struct RedisPending {
    let request: RedisRequest
    let sentAt: UInt64
    /// Sent for the second time; there is no third.
    let isRepeated: Bool
}
