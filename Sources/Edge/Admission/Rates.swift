internal import Broker

/// How often single addresses, users and keys may want something. What has no limit has no memory, and costs a look at one place.
///
/// Thread: any; all reactors of a node take from the same buckets. What users and keys take on other nodes is found out beside that,
/// see `UsersAhead`.
final class Rates: Sendable {
    private let buckets = (0..<MeteredScope.allCases.count * Metered.count).map { _ in TokenBuckets() }

    /// Goes by these limits from now on.
    func change(to limits: Limits) {
        for scope in MeteredScope.allCases {
            for metered in Metered.allCases {
                self[metered, scope].change(to: Self.allowance(of: metered, scope, limits))
            }
        }
    }

    /// The buckets of all whom one limit is for.
    subscript(metered: Metered, scope: MeteredScope) -> TokenBuckets {
        buckets[scope.rawValue * Metered.count + metered.rawValue]
    }

    /// Whether there is a limit.
    func has(_ metered: Metered, _ scope: MeteredScope) -> Bool { self[metered, scope].allowance != nil }

    private static func allowance(of metered: Metered, _ scope: MeteredScope, _ limits: Limits) -> Allowance? {
        if metered == .session {
            let count = scope == .address ? limits.sessionsPerAddressMax : limits.sessionsPerUserMax
            return Allowance(count: count, withinMilliseconds: limits.resumeMilliseconds)
        }
        let rate = scope == .address ? addressRate(of: metered, limits) : userRate(of: metered, limits)
        return rate == 0 ? nil : Allowance(perSecond: rate, savedMilliseconds: limits.burstMilliseconds)
    }

    private static func addressRate(of metered: Metered, _ limits: Limits) -> Int {
        switch metered {
        case .connect: limits.addressConnectsPerSecondMax
        case .request: limits.addressRequestsPerSecondMax
        case .publish: limits.addressPublishesPerSecondMax
        case .publishBytes: limits.addressPublishBytesPerSecondMax
        case .subscribe: limits.addressSubscribesPerSecondMax
        case .call: limits.addressCallsPerSecondMax
        case .presence: limits.addressPresencePerSecondMax
        case .history: limits.addressHistoryPerSecondMax
        case .tokenRefused: limits.addressTokensRefusedPerSecondMax
        case .session: 0
        }
    }

    private static func userRate(of metered: Metered, _ limits: Limits) -> Int {
        switch metered {
        case .request: limits.userRequestsPerSecondMax
        case .publish: limits.userPublishesPerSecondMax
        case .publishBytes: limits.userPublishBytesPerSecondMax
        case .subscribe: limits.userSubscribesPerSecondMax
        case .call: limits.userCallsPerSecondMax
        case .presence: limits.userPresencePerSecondMax
        case .history: limits.userHistoryPerSecondMax
        case .connect, .tokenRefused, .session: 0
        }
    }
}
