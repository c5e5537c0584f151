public import Broker

/// What a node counts of its hooks and of the sets of keys that it fetches; written by their thread, read by any.
public final class HookMetrics: Sendable {
    /// Of one hook.
    public final class OfHook: Sendable {
        /// Questions that were answered with yes, and with no.
        public let allowed = Counter()
        public let refused = Counter()
        /// Those that were not answered, by why; whatever that means for who asks.
        public let failures = HookFailure.allCases.map { _ in Counter() }
        /// Requests under way, and questions that wait for one to end.
        public let underWay = Counter()
        public let waiting = Counter()
        /// 1 while its backend is let alone.
        public let isOpen = Counter()
        /// Time from question to answer, of all answered together.
        public let answerMicroseconds = Counter()
        /// What was told so often in vain, or found so much waiting, that it is told no more.
        public let lost = Counter()

        /// Starts at zero.
        init() {}

        /// Failures of one kind.
        public func failures(_ failure: HookFailure) -> Counter? {
            HookFailure.allCases.firstIndex(of: failure).map { failures[$0] }
        }
    }

    private let hooks = HookName.allCases.map { _ in OfHook() }

    /// Sets of keys that were fetched, and times that this failed.
    public let keySetsFetched = Counter()
    public let keySetsFailed = Counter()
    /// Sets that are to be fetched, and those of them that no good one was had of yet.
    public let keySets = Counter()
    public let keySetsMissing = Counter()

    /// Starts at zero.
    public init() {}

    /// What is counted of a hook.
    public subscript(hook: HookName) -> OfHook {
        // bounded: there is one for each
        hooks[HookName.allCases.firstIndex(of: hook) ?? 0]
    }
}
