public import Broker

/// What one reactor's hub counts; written by its thread, read by any.
public final class HubMetrics: Sendable {
    /// Channels with subscribers here.
    public let topics = Counter()
    /// Subscriptions now.
    public let subscriptions = Counter()
    /// Publications that came from the uplink.
    public let publications = Counter()
    /// Times a channel was published to faster than it could be sent.
    public let channelsFull = Counter()
    /// Payloads without position that their channel had no room for.
    public let ephemeralsDropped = Counter()
    /// Frames handed to the kernel for subscribers.
    public let deliveries = Counter()
    /// Publications by time from their position's clock to their last send.
    public let fanoutLatency = LatencyHistogram()

    /// Polls held now.
    public let polls = Counter()
    /// Polls answered with nothing because they were held long enough.
    public let pollsEmpty = Counter()
    /// Polls whose answer had no room for all there was.
    public let pollsDivided = Counter()
    /// Times a client was told only a part of what it missed, the rest to be read once it has that.
    public let replaysDivided = Counter()
    /// Joins given up because their channels could not be opened in time.
    public let joinsTimedOut = Counter()
    /// Checkpoints of sessions that their clients confirmed.
    public let checkpoints = Counter()

    /// Feeds that have a window to compress with, and the memory of these.
    public let compressionWindows = Counter()
    public let compressionWindowBytes = Counter()
    /// Times a feed had none, because as many have one as may.
    public let compressionWindowsRefused = Counter()
    /// Times a feed began anew so that those who waited could read on with it.
    public let compressionFlushes = Counter()
    /// Messages that were compressed, their bytes before and after, and messages that were left as they are.
    public let compressedMessages = Counter()
    public let compressionInputBytes = Counter()
    public let compressionOutputBytes = Counter()
    public let uncompressedMessages = Counter()

    /// Subscribers that cannot be sent to now.
    public let laggards = Counter()
    /// Slow readers closed.
    public let disconnects = Counter()
    /// Slow readers moved on with a gap.
    public let skips = Counter()
    /// Slow readers moved to the newest publication.
    public let latests = Counter()
    /// Slow readers that go on from history once they read again.
    public let merges = Counter()

    /// Channels times rates at which they are read now.
    public let pacers = Counter()
    /// Batches of what was held back, and publications that were left out of them because there was something newer.
    public let paceBatches = Counter()
    public let paceLeftOut = Counter()
    /// Batches that came too early, for all that was held back would have taken too much memory.
    public let paceHurries = Counter()
    /// Bytes that are held back, as of the last second.
    public let pacedBytes = Counter()

    /// Bytes of memory that the fan-out logs hold, as of the last second.
    public let logBytes = Counter()
    /// Bytes held for answers that are not read, as of the last second.
    public let heldOutputBytes = Counter()
    /// Bytes held for what clients missed and were not told yet, as of the last second.
    public let heldReplayBytes = Counter()

    /// Starts at zero.
    public init() {}
}
