/// Random numbers for spreading things in time: cheap, without a system call each, and of no use for secrets.
///
/// Thread: owned by one reactor. Size: 8 bytes. Source: Marsaglia, "Xorshift RNGs", 2003, with a multiplication at the end.
public struct SpreadGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// Starts at a seed other than 0.
    public init(seed: UInt64) { state = seed }

    /// Draws the next.
    public mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
