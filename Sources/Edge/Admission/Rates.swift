internal import Broker
internal import Text

/// What is counted by who wants it.
enum Metered: Int, CaseIterable {
    case connect
    case request
    case publish
    case publishBytes
    case subscribe
    case tokenRefused
    case session

    /// How many there are. `allCases` makes an array each time.
    static let count = allCases.count

    /// As the metric has it.
    var name: StaticString {
        switch self {
        case .connect: "connects"
        case .request: "requests"
        case .publish: "publishes"
        case .publishBytes: "publish-bytes"
        case .subscribe: "subscribes"
        case .tokenRefused: "tokens-refused"
        case .session: "sessions"
        }
    }
}

/// Who wants it.
enum MeteredScope: Int, CaseIterable {
    /// An IPv4 address, or an IPv6 network of 64 bits.
    case address
    /// A user, or a backend's key.
    case user

    /// As the metric has it.
    var name: StaticString {
        switch self {
        case .address: "address"
        case .user: "user"
        }
    }
}

/// How often single addresses, users and keys may want something. What has no limit has no buckets, and costs a look at one place.
///
/// Thread: owned by one reactor, which counts by itself.
struct Rates {
    private let buckets: [TokenBuckets?]

    init(_ limits: Limits) {
        buckets = MeteredScope.allCases.flatMap { scope in
            Metered.allCases.map { Self.allowance(of: $0, scope, limits).map { TokenBuckets($0) } }
        }
    }

    private static func allowance(of metered: Metered, _ scope: MeteredScope, _ limits: Limits) -> Allowance? {
        let rate: Int
        switch (metered, scope) {
        case (.connect, .address): rate = limits.addressConnectsPerSecondMax
        case (.request, .address): rate = limits.addressRequestsPerSecondMax
        case (.publish, .address): rate = limits.addressPublishesPerSecondMax
        case (.publishBytes, .address): rate = limits.addressPublishBytesPerSecondMax
        case (.subscribe, .address): rate = limits.addressSubscribesPerSecondMax
        case (.tokenRefused, .address): rate = limits.addressTokensRefusedPerSecondMax
        case (.session, .address):
            return Allowance(count: limits.sessionsPerAddressMax, withinMilliseconds: limits.resumeMilliseconds)
        case (.request, .user): rate = limits.userRequestsPerSecondMax
        case (.publish, .user): rate = limits.userPublishesPerSecondMax
        case (.publishBytes, .user): rate = limits.userPublishBytesPerSecondMax
        case (.subscribe, .user): rate = limits.userSubscribesPerSecondMax
        case (.connect, .user), (.tokenRefused, .user), (.session, .user): return nil
        }
        return rate == 0 ? nil : Allowance(perSecond: rate, savedMilliseconds: limits.burstMilliseconds)
    }

    private static func index(_ metered: Metered, _ scope: MeteredScope) -> Int {
        scope.rawValue * Metered.count + metered.rawValue
    }

    /// Whether there is a limit.
    func has(_ metered: Metered, _ scope: MeteredScope) -> Bool { buckets[Self.index(metered, scope)] != nil }

    /// Takes so many; else says how many nanoseconds it is until there are as many.
    func take(_ count: Int, of metered: Metered, _ scope: MeteredScope, hash: Int, now: UInt64) -> UInt64? {
        buckets[Self.index(metered, scope)]?.take(count, hash: hash, now: now) ?? nil
    }

    /// Nanoseconds until there is one; `nil` if there is now.
    func wait(for metered: Metered, _ scope: MeteredScope, hash: Int, now: UInt64) -> UInt64? {
        buckets[Self.index(metered, scope)]?.wait(for: 1, hash: hash, now: now) ?? nil
    }
}
