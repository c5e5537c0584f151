/// How much somebody may have of something: at a steady rate, and what was saved up at once.
///
/// Size: 16 bytes.
struct Allowance: Equatable {
    /// Time that one costs.
    let nanosecondsEach: Double

    /// What can be saved up, as time; never 0.
    let savedNanoseconds: UInt64

    /// What costs more, costs this: a month is as good as for ever, and sums of it do not overflow.
    static let nanosecondsMax: UInt64 = 2_600_000_000_000_000

    /// Takes what another thread has written down.
    init(nanosecondsEach: Double, savedNanoseconds: UInt64) {
        (self.nanosecondsEach, self.savedNanoseconds) = (nanosecondsEach, savedNanoseconds)
    }

    /// So many a second, and what that makes in the time given at once.
    init(perSecond rate: Int, savedMilliseconds: UInt64) {
        nanosecondsEach = 1e9 / Double(max(rate, 1))
        savedNanoseconds = max(savedMilliseconds, 1) * 1_000_000
    }

    /// So many at once, and as many again within the time given.
    init(count: Int, withinMilliseconds milliseconds: UInt64) {
        nanosecondsEach = Double(milliseconds) * 1e6 / Double(max(count, 1))
        savedNanoseconds = max(milliseconds, 1) * 1_000_000
    }

    /// Time that some cost.
    func nanoseconds(of count: Int) -> UInt64 {
        // bounded: a month of nanoseconds fits
        UInt64(min(nanosecondsEach * Double(count), Double(Self.nanosecondsMax)))
    }

    /// A part of what can be saved up.
    func savedNanoseconds(percent: Int) -> UInt64 {
        // bounded: a month of nanoseconds fits
        UInt64(min(Double(savedNanoseconds) * Double(percent) / 100, Double(Self.nanosecondsMax)))
    }
}
