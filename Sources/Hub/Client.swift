package import Broker
package import Wire

/// One reader of channels as the hub keeps it; whoever owns its connection has it beside that.
///
/// Thread: owned by one reactor. Size: 33 bytes, and nothing on the heap while it is idle.
package struct Client {
    // In this order there are no holes, and what stands behind it may begin where it ends.

    /// The session it holds, if it has one.
    package var session: SessionLink?

    /// What waits to be sent to it besides the logs that it reads.
    package var outbox: Outbox?

    /// First of its subscriptions, linked by `Subscription.next`.
    package var firstSubscription = SubscriptionSlot.none

    /// The subscription whose frame it has only the beginning of.
    package var unfinished = SubscriptionSlot.none

    /// Channels it reads, and channels it waits to be subscribed to.
    package var subscriptionCount: UInt16 = 0
    package var joinCount: UInt16 = 0

    /// What it is sent, or `nil` while it only asks and is answered.
    package var encoding: Encoding?

    private var state: State = []

    /// Where its connection stands.
    package var lifeCycle = LifeCycle.open

    package init() {}

    private struct State: OptionSet {
        let rawValue: UInt8

        static let isPresent = State(rawValue: 1)
        static let isBlocked = State(rawValue: 2)
    }

    /// Whether it is named among the subscribers of a channel that tells who is.
    package var isPresent: Bool {
        get { state.contains(.isPresent) }
        set { if newValue { state.insert(.isPresent) } else { state.remove(.isPresent) } }
    }

    /// Whether its connection took less than it was given, and says when it takes more.
    package var isBlocked: Bool {
        get { state.contains(.isBlocked) }
        set { if newValue { state.insert(.isBlocked) } else { state.remove(.isBlocked) } }
    }

    /// Whether it is read and understood, and is sent what is new.
    package var isOpen: Bool { lifeCycle == .open }

    /// Whether its slot is about to be freed.
    package var isClosed: Bool { lifeCycle == .closed }

    /// Whether what it is sent is carried in such a way; never while it only asks and is answered.
    package func has(_ trait: Carrier.Traits) -> Bool { encoding?.traits.contains(trait) ?? false }
}
