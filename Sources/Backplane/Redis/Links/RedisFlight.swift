internal import Broker

/// How many channels one master may be asked about at a time, of those that come by the hundred thousand when a link is made anew: names to
/// be heard, or reads.
///
/// Thread: owned by the link. It is as large as it may be while answers come soon. Late ones make it smaller, each by what it answers, so
/// that what many nodes have under way at a slow master is answered before they take it for dead; and behind a silence it is at its
/// smallest.
struct RedisFlight {
    private let channelsMax: Int
    private let channelsMin: Int
    private let soonNanoseconds: UInt64
    private let lateNanoseconds: UInt64

    /// Channels that may be under way now.
    private(set) var channelCount: Int

    /// Names of 56 nodes, and as many reads, take 20 ms of Redis: a second where it has a fiftieth of a core.
    private static let channelsMin = 64

    init(channelsMax: Int, limits: Limits) {
        self.channelsMax = channelsMax
        channelCount = channelsMax
        channelsMin = min(Self.channelsMin, channelsMax)
        // Of what Redis has: 0.3 and 1 second of three.
        soonNanoseconds = limits.redisMilliseconds * 1_000_000 / 10
        lateNanoseconds = limits.redisMilliseconds * 1_000_000 / 3
    }

    /// Questions about so many channels were answered after so long. Answers that come soon double what may be under way with each flight.
    mutating func answered(_ channels: Int, after nanoseconds: UInt64) {
        if nanoseconds < soonNanoseconds {
            channelCount = min(channelCount + channels, channelsMax)
        } else if nanoseconds > lateNanoseconds {
            channelCount = max(channelCount - channels, channelsMin)
        }
    }

    /// Nothing was answered for as long as the link waits.
    mutating func runOut() { channelCount = channelsMin }
}
