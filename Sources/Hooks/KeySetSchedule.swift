/// When a set of keys is fetched: ahead of its age, again after a failure, and soon when a token names a key that nobody knows. No
/// sockets, no clock.
public struct KeySetSchedule: Sendable {
    /// Times of it, in milliseconds.
    public struct Times: Sendable, Equatable {
        /// How long a set is good that does not say so, and between which bounds one that does.
        public var age: UInt64
        public var ageMin: UInt64
        public var ageMax: UInt64
        /// Between two fetches, whoever wants them.
        public var pause: UInt64

        /// Makes times.
        public init(age: UInt64, ageMin: UInt64, ageMax: UInt64, pause: UInt64) {
            (self.age, self.ageMin, self.ageMax, self.pause) = (age, ageMin, ageMax, pause)
        }
    }

    private let times: Times
    private var dueMilliseconds: UInt64 = 0
    private var lastBeginMilliseconds: UInt64?
    private var failures: UInt64 = 0

    /// Whether one is being fetched.
    public private(set) var isUnderWay = false

    /// Due at once.
    public init(_ times: Times) { self.times = times }

    /// Whether it is to be fetched now.
    public func isDue(atMilliseconds now: UInt64) -> Bool { !isUnderWay && dueMilliseconds <= now }

    /// A token names a key that nobody knows. Says whether a fetch is under way because of that, or was already.
    public mutating func want(atMilliseconds now: UInt64) -> Bool {
        if isUnderWay { return true }
        if let last = lastBeginMilliseconds, now < last + times.pause { return false }
        dueMilliseconds = now
        return true
    }

    /// It is being fetched.
    public mutating func begin(atMilliseconds now: UInt64) {
        isUnderWay = true
        lastBeginMilliseconds = now
    }

    /// It was fetched; the next time is before this one is too old.
    public mutating func succeed(atMilliseconds now: UInt64, cacheControl: String?) {
        isUnderWay = false
        failures = 0
        let said = Self.age(cacheControl)
        let age = min(max(said ?? times.age, times.ageMin), times.ageMax)
        dueMilliseconds = now + age - age / 4
    }

    /// It was not: tried again after a second, then after twice as long each time, up to the pause.
    public mutating func fail(atMilliseconds now: UInt64) {
        isUnderWay = false
        failures += 1
        dueMilliseconds = now + min(UInt64(1_000) << min(failures - 1, 20), times.pause)
    }

    /// `max-age` in milliseconds, RFC 9111 §5.2.2.1; what must not be kept has none.
    static func age(_ cacheControl: String?) -> UInt64? {
        guard let cacheControl else { return nil }
        for part in cacheControl.lowercased().split(separator: ",") {
            let word = part.drop { $0 == " " || $0 == "\t" }
            if word.hasPrefix("no-store") || word.hasPrefix("no-cache") { return 0 }
            guard word.hasPrefix("max-age=") else { continue }
            let digits = word.dropFirst(8).prefix { $0.isASCII && $0.isNumber }
            return UInt64(digits).map { $0 > 1 << 32 ? (1 << 32) * 1_000 : $0 * 1_000 }
        }
        return nil
    }
}
