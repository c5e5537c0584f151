internal import Synchronization

/// A number that one thread adds to and any thread reads.
///
/// A plain load and store: no bus lock on the hot path, and no lost addition, for there is one writer.
public final class Counter: Sendable {
    private let bits = Atomic<UInt64>(0)

    /// Starts at zero.
    public init() {}

    /// Adds; only the owning thread may.
    public func add(_ amount: Int = 1) {
        bits.store(bits.load(ordering: .relaxed) &+ UInt64(bitPattern: Int64(amount)), ordering: .relaxed)
    }

    /// Replaces the value; only the owning thread may.
    public func set(_ value: Int) {
        bits.store(UInt64(bitPattern: Int64(value)), ordering: .relaxed)
    }

    /// The value, from any thread.
    public var value: Int { Int(truncatingIfNeeded: bits.load(ordering: .relaxed)) }
}
