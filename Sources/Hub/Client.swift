package import Broker
package import Wire

/// One reader of channels as the hub keeps it; whoever owns its connection has it beside that.
///
/// Thread: owned by one reactor. Size: 32 bytes, and nothing on the heap while it is idle.
package struct Client {
    /// What it is sent, or `nil` while it only asks and is answered.
    package var encoding: Encoding?

    /// Whether it is named among the subscribers of a channel that tells who is.
    package var isPresent = false

    /// Channels it reads, and channels it waits to be subscribed to.
    package var subscriptionCount: UInt16 = 0
    package var joinCount: UInt16 = 0

    /// First of its subscriptions, linked by `Subscription.next`.
    package var firstSubscription = SubscriptionSlot.none

    /// The subscription whose frame it has only the beginning of.
    package var unfinished = SubscriptionSlot.none

    /// The session it holds, if it has one.
    package var session: SessionLink?

    /// What waits to be sent to it besides the logs that it reads.
    package var outbox: Outbox?

    package init() {}

    /// Whether what it is sent is carried in such a way; never while it only asks and is answered.
    package func has(_ trait: Carrier.Traits) -> Bool { encoding?.traits.contains(trait) ?? false }
}
