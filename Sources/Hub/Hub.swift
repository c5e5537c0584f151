public import Broker
internal import DequeModule
internal import Wire

/// What the readers of one reactor are sent: its channels, the logs they are sent from, who waits for a channel or for what it
/// missed, the polls that are held, where each session stands, and who is there.
///
/// Thread: owned by one reactor. It has no socket and no clock; an outlet, which owns it, has those, and each `Client` beside
/// its connection. So the simulation can drive this very code.
/// The parts: `+Topics` who reads what, `+Reports` what the uplink says, `+Fanout` the way of a publication to those who keep
/// up, `+Drain` to those who do not, `+Write` what is one client's own, `+Joins` and `+Replay` from a request to a subscription,
/// `+Polls` what is answered once, `+Checkpoints` how far a session came, `+Presence` who is there, `+Bye` the end.
public final class Hub<Outlet: HubOutlet> {
    /// Whose hub this is; it outlives it.
    public private(set) unowned(unsafe) var outlet: Outlet!  // bounded: set before the first call

    let limits: Limits
    /// Limits of a node are shared out evenly.
    let reactorCount: Int
    /// What it counts.
    public let metrics: HubMetrics
    /// What it and its owner hold for single clients.
    public let held = HeldMemory()

    // Who reads what
    /// Channels that somebody here reads, or waits for.
    public internal(set) var topics = ChannelTable<Topic>()
    var feeds = FeedTable()
    /// Who reads which feed, and how far each came.
    var subscriptions = SubscriptionTable()
    var flushQueue = Deque<Feed>()
    var dirtyCounts: [Topic] = []
    var activity = ActivityCount()
    /// What is told later, by when.
    var pacing = PaceQueue()

    // Who waits
    var joins = JoinQueue()
    var polls = PollTable()

    // What is being written
    var cork = Cork()
    var gathering = Gathering()
    /// Makes frames; its buffers are shared with who writes to clients besides.
    public var encoder = FrameEncoder()
    /// Frames of a feed, or of a replay.
    var frame = ByteBuffer(capacity: 4_096)
    /// Messages for one client.
    var output = ByteBuffer(capacity: 4_096)

    // What is compressed; without a rule that says so none of this has memory
    var windows: CompressionWindows
    var bodySums = BodySums()
    /// A message that is compressed, and the frame of it.
    var deflated = ByteBuffer()
    var coded = ByteBuffer()

    /// Makes a hub without channels. It needs its outlet before anything else.
    public init(limits: Limits, reactorCount: Int, metrics: HubMetrics) {
        self.limits = limits
        self.reactorCount = reactorCount
        self.metrics = metrics
        windows = CompressionWindows(countMax: max(limits.compressedFeedsMax / reactorCount, 1))
    }

    deinit {
        // What is left of a channel holds it, and it them.
        for topic in topics.values {
            topic.feeds = []
            topic.pacers = []
            topic.forgetAllWhoWait()
        }
    }

    /// Tells it whose hub it is, once.
    public func attach(to outlet: Outlet) { self.outlet = outlet }

    /// When a slice of a turn that begins now is over, in nanoseconds.
    var sliceEnd: UInt64 { outlet.clockNanoseconds + limits.inputSliceMicroseconds * 1_000 }

    /// Whether nothing waits to be sent or told by this hub itself.
    public var isIdle: Bool {
        flushQueue.isEmpty && joins.isEmpty && polls.due.isEmpty && polls.early.isEmpty
            && pacing.nextMilliseconds == nil
    }
}
