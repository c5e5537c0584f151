internal import DequeModule

/// What was asked on one connection and is not answered, in the order in which it is: of those that ask a few questions and wait.
///
/// Thread: owned by the link that asks.
struct RedisUnanswered<Question> {
    private var questions = Deque<Question>()

    /// When the oldest became the oldest, on the monotonic clock in nanoseconds.
    private var since: UInt64?

    var isEmpty: Bool { questions.isEmpty }

    /// The one that is answered next.
    var first: Question? { questions.first }

    /// It is asked now.
    mutating func append(_ question: Question, _ now: UInt64) {
        since = since ?? now
        questions.append(question)
    }

    /// The first is answered now.
    mutating func popFirst(_ now: UInt64) -> Question? {
        let question = questions.popFirst()
        since = questions.isEmpty ? nil : now
        return question
    }

    /// Nobody will answer.
    mutating func removeAll() {
        questions.removeAll()
        since = nil
    }

    /// Whether an answer takes longer than it may.
    func isLate(_ now: UInt64, milliseconds: UInt64) -> Bool {
        guard let since, now > since else { return false }
        return (now - since) / 1_000_000 > milliseconds
    }
}
