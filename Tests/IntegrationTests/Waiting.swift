import Foundation

/// What was waited for did not happen.
struct WaitedTooLong: Error, CustomStringConvertible {
    let description: String
}

/// Waits, for a bounded time, until a question has an answer.
@discardableResult
func eventually<Answer>(
    _ what: String,
    within limit: Duration = .seconds(60),
    isolation: isolated (any Actor)? = #isolation,
    _ question: () async throws -> Answer?
) async throws -> Answer {
    let end = ContinuousClock.now + limit
    var isLast = false
    while true {
        if let answer = try await question() { return answer }
        if isLast { throw WaitedTooLong(description: "not within \(limit): \(what)") }
        // The time may be up because the whole machine stood still: then those who are waited for need a moment, too.
        isLast = ContinuousClock.now >= end
        try await Task.sleep(for: .milliseconds(isLast ? 1_000 : 10))
    }
}

/// Waits, for a bounded time, until something is so.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(60),
    isolation: isolated (any Actor)? = #isolation,
    isTrue condition: () async throws -> Bool
) async throws {
    try await eventually(what, within: limit) { try await condition() ? () : nil }
}

/// Runs what blocks on a thread of its own: the threads of tasks are few and must not wait.
func onThread<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
