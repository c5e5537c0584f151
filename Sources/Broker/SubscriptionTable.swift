/// One connection's place in one fan-out log.
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
    }

    /// The log it reads.
    public unowned(unsafe) let log: FanoutLog

    /// How far its connection has taken the log's bytes.
    public var offset: UInt64

    /// The slot of its connection.
    public let connection: UInt32

    /// Its place among the log's members.
    public internal(set) var slot: UInt32

    /// The next subscription of the same connection, or `SubscriptionTable.none`.
    public var next: UInt32

    /// What it is besides up to date.
    public var flags: Flags
}

/// All subscriptions of a reactor, in slots that never move.
///
/// Thread: owned by one reactor.
public struct SubscriptionTable: ~Copyable {
    /// No subscription.
    public static let none = UInt32.max

    private static let pageCapacity = 1_024

    private var pages: [UnsafeMutablePointer<Subscription>] = []
    private var free: [UInt32] = []
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
    public subscript(index: UInt32) -> UnsafeMutablePointer<Subscription> {
        pages[Int(index) / Self.pageCapacity] + Int(index) % Self.pageCapacity
    }

    mutating func insert(connection: UInt32, log: FanoutLog, offset: UInt64, next: UInt32) -> UInt32 {
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = used
            used += 1
            if Int(index) % Self.pageCapacity == 0 { pages.append(.allocate(capacity: Self.pageCapacity)) }
        }
        self[index].initialize(
            to: Subscription(log: log, offset: offset, connection: connection, slot: 0, next: next, flags: [])
        )
        return index
    }

    mutating func remove(_ index: UInt32) {
        free.append(index)
    }
}
