/// The place of a subscription in its table.
///
/// Size: 4 bytes.
@frozen
public struct SubscriptionSlot: Hashable, Sendable {
    /// Its number, from 0.
    public let number: UInt32

    /// Makes a slot from its number.
    @inlinable
    public init(number: UInt32) { self.number = number }

    /// No subscription.
    @inlinable public static var none: SubscriptionSlot { SubscriptionSlot(number: .max) }
}

/// One client's place in one fan-out log.
///
/// Size: 32 bytes.
public struct Subscription {
    /// What a subscription can be besides up to date.
    public struct Flags: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8

        /// Makes a set from its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// It keeps the log from giving its memory back.
        public static let isBehind = Flags(rawValue: 1)

        /// It fell out of the window and rejoins at the newest frame.
        public static let isSkipping = Flags(rawValue: 2)

        /// Its client was told more than its feed has told yet, which holds that back.
        public static let isAhead = Flags(rawValue: 4)
    }

    /// The log it reads.
    public internal(set) unowned(unsafe) var log: FanoutLog

    /// How far its client has taken the log's bytes.
    public var offset: UInt64

    /// Who reads.
    public let client: ClientSlot

    /// Its place among the log's members.
    public internal(set) var place: UInt32

    /// The next subscription of the same client, or none.
    public var next: SubscriptionSlot

    /// What it is besides up to date.
    public var flags: Flags
}

/// All subscriptions of a reactor, in slots that never move.
///
/// Thread: owned by one reactor.
public struct SubscriptionTable: ~Copyable {
    private static let pageCapacity = 1_024

    private var pages: [UnsafeMutablePointer<Subscription>] = []
    private var free: [SubscriptionSlot] = []
    private var used: UInt32 = 0

    /// Subscriptions that live now.
    public var count: Int { Int(used) - free.count }

    /// Makes an empty table.
    public init() {}

    deinit {
        // Subscriptions are trivial: nothing in them needs to be destroyed.
        for page in pages { page.deallocate() }
    }

    /// The subscription in a slot.
    public subscript(slot: SubscriptionSlot) -> UnsafeMutablePointer<Subscription> {
        pages[Int(slot.number) / Self.pageCapacity] + Int(slot.number) % Self.pageCapacity
    }

    mutating func insert(
        client: ClientSlot,
        log: FanoutLog,
        offset: UInt64,
        next: SubscriptionSlot
    ) -> SubscriptionSlot {
        let slot: SubscriptionSlot
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = SubscriptionSlot(number: used)
            if Int(used) % Self.pageCapacity == 0 { pages.append(.allocate(capacity: Self.pageCapacity)) }
            used += 1
        }
        self[slot].initialize(
            to: Subscription(log: log, offset: offset, client: client, place: 0, next: next, flags: [])
        )
        return slot
    }

    mutating func remove(_ slot: SubscriptionSlot) {
        free.append(slot)
    }
}
