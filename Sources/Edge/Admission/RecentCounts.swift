/// How often something happened of late, by key: within the period under way and the one before it.
///
/// Thread: owned by one reactor. Memory: an entry for each key of two periods, up to a ceiling; past it new keys are not counted.
struct RecentCounts<Key: Hashable> {
    /// Keys of a period that are counted: some 2 MB.
    static var keysMax: Int { 32_768 }

    private var now: [Key: Int] = [:]
    private var before: [Key: Int] = [:]

    /// Counts one more, unless there were so many already; says whether it did.
    mutating func add(_ key: Key, countMax: Int) -> Bool {
        guard now[key, default: 0] + before[key, default: 0] < countMax else { return false }
        if now.count < Self.keysMax || now[key] != nil { now[key, default: 0] += 1 }
        return true
    }

    /// A period is over.
    mutating func turn() {
        before = now
        now = [:]
    }
}
