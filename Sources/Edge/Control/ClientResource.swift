internal import Backplane
internal import Broker
internal import Text
internal import Wire

/// What can be asked of a client, as `/users/<name>`, `/sessions/<id>` or `/addresses/<address>` and what stands behind it.
enum ClientResource: CaseIterable {
    case itself
    case disconnect
    case subscribe
    case unsubscribe

    private var suffix: StaticString {
        switch self {
        case .itself: ""
        case .disconnect: "/disconnect"
        case .subscribe: "/subscribe"
        case .unsubscribe: "/unsubscribe"
        }
    }

    /// Reads a path; `nil` where it is no client's. A user whose name has slashes is written with `%2F`.
    static func read(
        _ path: String
    ) throws(HTTPRejection) -> (subject: ClusterQuestion.Subject, resource: ClientResource)? {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false)
        // As everywhere, a slash at the end changes nothing.
        if segments.count > 3, segments.last?.isEmpty == true { segments.removeLast() }
        guard (3...4).contains(segments.count), segments[0].isEmpty else { return nil }
        let resource = allCases.first { "\($0.suffix)" == (segments.count == 4 ? "/\(segments[3])" : "") }
        guard let resource else { return nil }
        switch segments[1] {
        case "users":
            guard let name = PercentCoding.decode(segments[2]), PrincipalName.isValid(name) else {
                throw HTTPRejection(status: 400, field: "user", reason: "not a name")
            }
            return (.user(name), resource)
        case "sessions":
            guard let id = SessionID(segments[2]) else {
                throw HTTPRejection(status: 400, field: "session", reason: "not the name of a session")
            }
            return (.session(id), resource)
        case "addresses":
            guard let text = PercentCoding.decode(segments[2]), let address = PeerAddress(text) else {
                throw HTTPRejection(status: 400, field: "address", reason: "not an address of IPv4 or IPv6")
            }
            return (.address(address), resource)
        default: return nil
        }
    }
}
