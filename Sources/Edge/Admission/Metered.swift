/// What is counted by who wants it.
enum Metered: Int, CaseIterable {
    case connect
    case request
    case publish
    case publishBytes
    case subscribe
    case call
    case presence
    case history
    case tokenRefused
    case session

    /// How many there are. `allCases` makes an array each time.
    static let count = allCases.count

    /// As the metric has it, and the key in Redis.
    var name: StaticString {
        switch self {
        case .connect: "connects"
        case .request: "requests"
        case .publish: "publishes"
        case .publishBytes: "publish-bytes"
        case .subscribe: "subscribes"
        case .call: "calls"
        case .presence: "presence"
        case .history: "history"
        case .tokenRefused: "tokens-refused"
        case .session: "sessions"
        }
    }
}

/// Who wants it.
enum MeteredScope: Int, CaseIterable {
    /// An IPv4 address, or an IPv6 network of 64 bits: by each node.
    case address
    /// A user, or a backend's key: by the cluster.
    case user

    /// As the metric has it.
    var name: StaticString {
        switch self {
        case .address: "address"
        case .user: "user"
        }
    }
}
