/// The transports that may be used, the best first, and which of them works here.
struct Ladder {
    /// How long a transport that works is used before a better one is tried again.
    private static let stayMilliseconds: UInt64 = 600_000

    private let transports: [Transport]
    private var step = 0

    /// What worked, and until when that counts.
    private var known: (step: Int, endMilliseconds: UInt64)?

    init(_ transports: [Transport]) {
        self.transports = transports.isEmpty ? Transport.allCases : transports
    }

    var transport: Transport { transports[step] }

    /// Turns to the next one. Says whether there is one; if not, it is back at the first.
    mutating func descend(now: UInt64) -> Bool {
        if step + 1 < transports.count {
            step += 1
            return true
        }
        climb(now: now)
        return false
    }

    /// Turns to the best that may work: what was found out counts for a while.
    mutating func climb(now: UInt64) {
        if let known, known.endMilliseconds > now { step = known.step } else { step = 0 }
    }

    /// This one works. Those before it were tried, and do not.
    mutating func stay(now: UInt64) {
        if known?.step != step || (known?.endMilliseconds ?? 0) <= now {
            known = (step, now &+ Self.stayMilliseconds)
        }
    }

    /// When a better one is tried; `nil` if there is none.
    var climbMilliseconds: UInt64? { step == 0 ? nil : known?.endMilliseconds }
}
