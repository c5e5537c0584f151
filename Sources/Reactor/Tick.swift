/// A moment of a reactor's clock, counted in steps of 250 ms since the reactor began, modulo 2^32.
///
/// Size: 4 bytes. Of two moments the later one is found the shorter way round, which is right while less than 17 years lie
/// between them.
@frozen
public struct Tick: Hashable, Sendable {
    /// Length of one step.
    @inlinable public static var milliseconds: UInt64 { 250 }

    /// When the reactor began.
    @inlinable public static var start: Tick { Tick(number: 0) }

    /// Steps since the reactor began, modulo 2^32.
    public let number: UInt32

    /// Makes a moment from its number.
    @inlinable
    public init(number: UInt32) { self.number = number }

    /// Steps from an earlier moment to this one; negative if that is the later.
    @inlinable
    public func steps(since earlier: Tick) -> Int { Int(Int32(bitPattern: number &- earlier.number)) }

    /// Milliseconds from an earlier moment to this one; 0 if that is the later.
    @inlinable
    public func milliseconds(since earlier: Tick) -> UInt64 {
        UInt64(max(steps(since: earlier), 0)) * Self.milliseconds
    }

    /// Whether this moment has come.
    @inlinable
    public func isReached(by now: Tick) -> Bool { now.steps(since: self) >= 0 }

    /// The moment so many milliseconds before this one, in whole steps.
    @inlinable
    public func earlier(byMilliseconds milliseconds: UInt64) -> Tick {
        Tick(number: number &- UInt32(clamping: milliseconds / Self.milliseconds))
    }

    /// Whole steps that a time has, at least one.
    @inlinable
    public static func steps(in milliseconds: UInt64) -> Int { max(Int(clamping: milliseconds / Self.milliseconds), 1) }
}
