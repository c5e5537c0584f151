/// A rule of the design that did not hold.
enum Rule: String {
    /// I2: only what came back through the backplane is delivered.
    case backplane = "I2"
    /// I5: what is kept for slow readers is bounded.
    case memory = "I5"
    /// I6: in the order of positions, each at most once, in whole frames.
    case order = "I6"
    /// I7: each publication follows its predecessor or an explicit gap.
    case continuity = "I7"
    /// I8: what is acknowledged is in Redis.
    case acknowledgement = "I8"
    /// I9: one owner of a session, who shows its secret.
    case ownership = "I9"
    /// A reader of a keyed channel has the newest value of each key.
    case values = "values"
    /// Who is there is present, and nobody else.
    case presence = "presence"
    /// Once faults stop, everyone comes to stand at the head.
    case rest = "rest"
}

/// A rule that did not hold, when, and what happened before. A value: a test that breaks a rule on purpose expects it.
struct Violation {
    let rule: Rule
    let millisecond: UInt64
    let text: String

    /// The last events before it, oldest first.
    let trace: [String]
}
