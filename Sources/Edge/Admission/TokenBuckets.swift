/// How much somebody may have of something: at a steady rate, and what was saved up at once.
struct Allowance {
    /// Time that one costs.
    private let nanosecondsEach: Double

    /// What can be saved up, as time.
    let savedNanoseconds: UInt64

    /// So many a second, and what that makes in the time given at once.
    init(perSecond rate: Int, savedMilliseconds: UInt64) {
        nanosecondsEach = 1e9 / Double(max(rate, 1))
        savedNanoseconds = savedMilliseconds * 1_000_000
    }

    /// So many at once, and as many again within the time given.
    init(count: Int, withinMilliseconds milliseconds: UInt64) {
        nanosecondsEach = Double(milliseconds) * 1e6 / Double(max(count, 1))
        savedNanoseconds = milliseconds * 1_000_000
    }

    /// Time that some cost; a month is as good as for ever.
    func nanoseconds(of count: Int) -> UInt64 { UInt64(min(nanosecondsEach * Double(count), 2.6e15)) }
}

/// Token buckets by key, in memory that does not grow with the keys: whoever has a network full of addresses fills no table.
///
/// A bucket is the moment at which it is full again (the generic cell rate algorithm, ITU-T I.371). Each key has a place in two
/// rows, by its hash, and its bucket is the fuller one of the two (a count-min sketch; Cormode, Muthukrishnan 2005): who shares one
/// place with somebody greedy still has the other. With a hundred of those at once one key in 6,700 shares both, and waits with them.
///
/// Thread: owned by one reactor. Memory: 128 KiB, from the first use on. The hash is seeded for each process, so nobody can choose
/// whom to share with.
final class TokenBuckets {
    private let allowance: Allowance
    /// Two rows, in nanoseconds of the monotonic clock.
    private var fullAgain: UnsafeMutablePointer<UInt64>?

    private static let placesPerRow = 8_192

    init(_ allowance: Allowance) { self.allowance = allowance }

    deinit { fullAgain?.deallocate() }

    private func places(of hash: Int) -> (Int, Int) {
        let bits = UInt64(bitPattern: Int64(hash))
        let mask = UInt64(Self.placesPerRow - 1)
        // bounded: thirteen bits each
        return (Int(bits & mask), Self.placesPerRow + Int(bits >> 32 & mask))
    }

    /// Nanoseconds until there is enough for so many; `nil` if there is now. A full bucket is enough for anything, and owes the rest.
    func wait(for count: Int, hash: Int, now: UInt64) -> UInt64? {
        guard let fullAgain else { return nil }
        let (first, second) = places(of: hash)
        let full = min(fullAgain[first], fullAgain[second])
        guard full > now else { return nil }
        let after = full - now + allowance.nanoseconds(of: count)
        return after <= allowance.savedNanoseconds ? nil : after - allowance.savedNanoseconds
    }

    /// Takes so many, if there are; else says how many nanoseconds it is until there are.
    func take(_ count: Int, hash: Int, now: UInt64) -> UInt64? {
        if let wait = wait(for: count, hash: hash, now: now) { return wait }
        let fullAgain = self.fullAgain ?? makeRows()
        let (first, second) = places(of: hash)
        let full = max(min(fullAgain[first], fullAgain[second]), now) + allowance.nanoseconds(of: count)
        fullAgain[first] = max(fullAgain[first], full)
        fullAgain[second] = max(fullAgain[second], full)
        return nil
    }

    private func makeRows() -> UnsafeMutablePointer<UInt64> {
        let rows = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * Self.placesPerRow)
        rows.initialize(repeating: 0, count: 2 * Self.placesPerRow)
        fullAgain = rows
        return rows
    }
}
