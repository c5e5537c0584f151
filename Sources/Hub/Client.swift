public import Broker
public import Wire

/// One reader of channels as the hub keeps it; whoever owns its connection has it beside that.
///
/// Thread: owned by one reactor. Size: 33 bytes, and nothing on the heap while it is idle.
public struct Client {
    // In this order there are no holes, and what stands behind it may begin where it ends.

    /// The session it holds, if it has one.
    public var session: SessionLink?

    /// What waits to be sent to it besides the logs that it reads.
    public var outbox: Outbox?

    /// First of its subscriptions, linked by `Subscription.next`.
    public var firstSubscription = SubscriptionSlot.none

    /// The subscription whose frame it has only the beginning of.
    public var unfinished = SubscriptionSlot.none

    /// Channels it reads.
    public var subscriptionCount: UInt16 = 0

    /// What it waits to be subscribed to: what has channels in common and was asked for at once counts once, as what is read together does.
    public var joinCount: UInt16 = 0

    /// What it is sent, or `nil` while it only asks and is answered.
    public var encoding: Encoding?

    private var state: State = []

    /// Where its connection stands.
    public var lifeCycle = LifeCycle.open

    /// Makes a client that only asks and is answered.
    public init() {}

    private struct State: OptionSet {
        let rawValue: UInt8

        static let isPresent = State(rawValue: 1)
        static let isBlocked = State(rawValue: 2)
        static let hasPatterns = State(rawValue: 4)
        /// The others are the step of its pace, of which there are no more than fifteen.
        static let pace = State(rawValue: 0xF0)
    }

    /// How often it wants to be told of channels of which it does not say so otherwise.
    public var pace: Pace {
        get { Pace(step: state.rawValue >> 4) }
        set { state = State(rawValue: state.subtracting(.pace).rawValue | newValue.step << 4) }
    }

    /// Whether it reads, or once read, channels by a pattern.
    public var hasPatterns: Bool {
        get { state.contains(.hasPatterns) }
        set { if newValue { state.insert(.hasPatterns) } else { state.remove(.hasPatterns) } }
    }

    /// Whether it is named among the subscribers of a channel that tells who is.
    public var isPresent: Bool {
        get { state.contains(.isPresent) }
        set { if newValue { state.insert(.isPresent) } else { state.remove(.isPresent) } }
    }

    /// Whether its connection took less than it was given, and says when it takes more.
    public var isBlocked: Bool {
        get { state.contains(.isBlocked) }
        set { if newValue { state.insert(.isBlocked) } else { state.remove(.isBlocked) } }
    }

    /// Whether it is read and understood, and is sent what is new.
    public var isOpen: Bool { lifeCycle == .open }

    /// Whether all that is its own was sent.
    var hasNothingWaiting: Bool { outbox.map { $0.isEmpty && $0.replays.isEmpty } ?? true }

    /// Whether its slot is about to be freed.
    public var isClosed: Bool { lifeCycle == .closed }

    /// What all that it is sent is compressed as, through one stream of deflate.
    var contentCoding: ContentCoding? { encoding?.contentCoding }

    /// Whether what it is sent is carried in such a way; never while it only asks and is answered.
    public func has(_ trait: Carrier.Traits) -> Bool { encoding?.traits.contains(trait) ?? false }
}
