internal import Synchronization

/// Token buckets by key, in memory that does not grow with the keys: whoever has a network full of addresses fills no table.
///
/// A bucket is the moment at which it is full again (the generic cell rate algorithm, ITU-T I.371). Each key has a place in two
/// rows, by its hash, and its bucket is the fuller one of the two (a count-min sketch; Cormode, Muthukrishnan 2005): who shares one
/// place with somebody greedy still has the other. With a hundred of those at once one key in 6,700 shares both, and waits with them.
///
/// Thread: any; one for all reactors of a node, so that a limit is the node's, whichever reactors have its connections. Who takes
/// first looks and then writes: two that do so in the same moment may have one too many, and owe it. What is taken is always counted.
/// Memory: 128 KiB, from the first use on. The hash is seeded for each process, so nobody can choose whom to share with.
final class TokenBuckets: Sendable {
    private typealias Place = Atomic<UInt64>

    /// Bits of the allowance's `Double`, and what can be saved up: 0 where there is no limit.
    private let nanosecondsEach = Atomic<UInt64>(0)
    private let savedNanoseconds = Atomic<UInt64>(0)

    /// Address of two rows of `Place`, in nanoseconds of the monotonic clock; 0 before the first use.
    private let rowsAddress = Atomic<UInt>(0)

    private static let placesPerRow = 8_192

    init(_ allowance: Allowance? = nil) { change(to: allowance) }

    deinit { Self.rows(at: rowsAddress.load(ordering: .relaxed))?.deallocate() }

    /// What each key may have; `nil` where that is anything.
    var allowance: Allowance? {
        let saved = savedNanoseconds.load(ordering: .relaxed)
        guard saved > 0 else { return nil }
        let each = Double(bitPattern: nanosecondsEach.load(ordering: .relaxed))
        return Allowance(nanosecondsEach: each, savedNanoseconds: saved)
    }

    /// Another allowance from now on. What keys have taken stays taken.
    func change(to allowance: Allowance?) {
        nanosecondsEach.store(allowance?.nanosecondsEach.bitPattern ?? 0, ordering: .relaxed)
        savedNanoseconds.store(allowance?.savedNanoseconds ?? 0, ordering: .relaxed)
    }

    /// Nanoseconds until there is enough for so many; `nil` if there is now. A full bucket is enough for anything, and owes the rest.
    func wait(for count: Int, hash: Int, now: UInt64) -> UInt64? {
        guard let allowance, let rows = Self.rows(at: rowsAddress.load(ordering: .acquiring)) else { return nil }
        let (first, second) = Self.places(of: hash)
        let full = min(rows[first].load(ordering: .relaxed), rows[second].load(ordering: .relaxed))
        guard full > now else { return nil }
        let after = full - now + allowance.nanoseconds(of: count)
        return after <= allowance.savedNanoseconds ? nil : after - allowance.savedNanoseconds
    }

    /// Takes so many, if there are; else says how many nanoseconds it is until there are.
    func take(_ count: Int, hash: Int, now: UInt64) -> UInt64? {
        guard let allowance else { return nil }
        if let wait = wait(for: count, hash: hash, now: now) { return wait }
        let rows = Self.rows(at: rowsAddress.load(ordering: .acquiring)) ?? makeRows()
        let (first, second) = Self.places(of: hash)
        let cost = allowance.nanoseconds(of: count)
        Self.add(cost, to: rows + first, now: now)
        Self.add(cost, to: rows + second, now: now)
        return nil
    }

    /// Somebody else knows that a bucket is not full before this moment.
    func raise(to full: UInt64, hash: Int) {
        let rows = Self.rows(at: rowsAddress.load(ordering: .acquiring)) ?? makeRows()
        let (first, second) = Self.places(of: hash)
        rows[first].max(full, ordering: .relaxed)
        rows[second].max(full, ordering: .relaxed)
    }

    // MARK: Places

    private static func places(of hash: Int) -> (Int, Int) {
        let bits = UInt64(bitPattern: Int64(hash))
        let mask = UInt64(placesPerRow - 1)
        // bounded: thirteen bits each
        return (Int(bits & mask), placesPerRow + Int(bits >> 32 & mask))
    }

    private static func add(_ cost: UInt64, to place: UnsafeMutablePointer<Place>, now: UInt64) {
        var known = place.pointee.load(ordering: .relaxed)
        while true {
            let full = min(max(known, now) + cost, now + Allowance.nanosecondsMax)
            let outcome = place.pointee.weakCompareExchange(
                expected: known,
                desired: max(full, known),
                ordering: .relaxed
            )
            if outcome.exchanged { return }
            known = outcome.original
        }
    }

    private static func rows(at address: UInt) -> UnsafeMutablePointer<Place>? {
        UnsafeMutablePointer(bitPattern: address)
    }

    /// Two threads may come to this at once: the rows of one are used.
    private func makeRows() -> UnsafeMutablePointer<Place> {
        let rows = UnsafeMutablePointer<Place>.allocate(capacity: 2 * Self.placesPerRow)
        for place in 0..<2 * Self.placesPerRow { (rows + place).initialize(to: Place(0)) }
        let outcome = rowsAddress.compareExchange(
            expected: 0,
            desired: UInt(bitPattern: rows),
            ordering: .acquiringAndReleasing
        )
        guard !outcome.exchanged, let others = Self.rows(at: outcome.original) else { return rows }
        rows.deallocate()
        return others
    }
}
