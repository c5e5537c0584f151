/// What users and keys had from a reactor that the cluster does not know of yet: so a limit holds for all nodes together, and nobody
/// waits for Redis.
///
/// Each user has something from a reactor ahead of the cluster; what was had is told behind it, in parts, and the answer says what all
/// nodes together gave. Time is what is counted: that which the taken costs at the limit's rate.
///
/// Thread: owned by one reactor. Memory: 32 bytes for each user and limit, from the first on, as many as `users-ahead-max`. Of four
/// that share a place the one is forgotten that had least (a set-associative cache): it has that much more, and nothing else.
struct UsersAhead {
    /// One user's, of one limit.
    struct Entry {
        /// Whose; seeded for each process.
        var hash = 0
        var metered = Metered.request
        /// Time that is not told.
        var untoldNanoseconds: UInt64 = 0
        /// Time that is told and not answered.
        var toldNanoseconds: UInt64 = 0

        /// What the cluster may not know of.
        var nanoseconds: UInt64 { untoldNanoseconds + toldNanoseconds }
    }

    private var entries: [Entry] = []
    private let setMask: Int

    /// Users that were forgotten.
    private(set) var forgottenCount = 0

    private static let entriesPerSet = 4

    /// As many as 32 MiB have room for, whatever the limit says.
    private static let entriesMax = 1 << 20

    /// Room for so many, up to the next power of two.
    init(countMax: Int) {
        var sets = 1
        // bounded: doubles
        while sets * Self.entriesPerSet < min(countMax, Self.entriesMax) { sets *= 2 }
        setMask = sets - 1
    }

    /// What is known of a user.
    func entry(of metered: Metered, hash: Int) -> Entry? {
        guard !entries.isEmpty, let place = place(of: metered, hash) else { return nil }
        return entries[place]
    }

    /// Notes what a user had; says where, or nothing if there is no room: all that share the place wait for answers.
    mutating func note(_ nanoseconds: UInt64, of metered: Metered, hash: Int) -> Int? {
        if entries.isEmpty {
            entries = Array(repeating: Entry(), count: (setMask + 1) * Self.entriesPerSet)
        }
        guard let place = place(of: metered, hash) ?? makeRoom(for: metered, hash) else { return nil }
        let sum = entries[place].untoldNanoseconds + nanoseconds
        entries[place].untoldNanoseconds = min(sum, Allowance.nanosecondsMax)
        return place
    }

    /// What is to be told of a user from now on, if that is enough and nothing is under way.
    mutating func tell(_ place: Int, from least: UInt64) -> UInt64? {
        let untold = entries[place].untoldNanoseconds
        guard untold >= least, untold > 0, entries[place].toldNanoseconds == 0 else { return nil }
        entries[place].toldNanoseconds = untold
        entries[place].untoldNanoseconds = 0
        return untold
    }

    /// What was told is known, or is not and is told again, or is not and never will be.
    mutating func answered(_ place: Int, isToBeToldAgain: Bool) -> Entry? {
        guard entries.indices.contains(place), entries[place].toldNanoseconds > 0 else { return nil }
        if isToBeToldAgain {
            entries[place].untoldNanoseconds = min(entries[place].nanoseconds, Allowance.nanosecondsMax)
        }
        entries[place].toldNanoseconds = 0
        return entries[place]
    }

    // MARK: Places

    private func set(of metered: Metered, _ hash: Int) -> Range<Int> {
        // The limits of one user are not all in one set.
        let first = ((hash >> 8 &+ metered.rawValue) & setMask) * Self.entriesPerSet
        return first..<first + Self.entriesPerSet
    }

    private func place(of metered: Metered, _ hash: Int) -> Int? {
        for place in set(of: metered, hash) where entries[place].hash == hash && entries[place].metered == metered {
            return place
        }
        return nil
    }

    private mutating func makeRoom(for metered: Metered, _ hash: Int) -> Int? {
        var found: Int?
        for place in set(of: metered, hash) where entries[place].toldNanoseconds == 0 {
            if let known = found, entries[known].untoldNanoseconds <= entries[place].untoldNanoseconds { continue }
            found = place
        }
        guard let found else { return nil }
        if entries[found].untoldNanoseconds > 0 { forgottenCount += 1 }
        entries[found] = Entry(hash: hash, metered: metered)
        return found
    }
}
