internal import Broker
internal import Wire

/// What a method does at a path, and what it needs. A class, for it is looked up with each request and never copied.
final class Route: Sendable {
    /// Where it is.
    enum Place: Sendable {
        case path(StaticString)
        /// `/channels/<name>`, and what stands behind that.
        case channel(ChannelResource)
    }

    /// What is done there.
    enum Action: Sendable {
        case page(@Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void)
        case channel(
            @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ChannelName) throws(HTTPRejection) -> Void
        )
    }

    let method: HTTPMethod
    let place: Place
    let action: Action

    /// Whether HEAD is answered, too, as GET is and without a body.
    let hasHead: Bool

    /// Whether it is for any host: what tells how a node is does not ask by which name.
    let isForAnyHost: Bool

    init(method: HTTPMethod, place: Place, action: Action, hasHead: Bool, isForAnyHost: Bool = false) {
        self.method = method
        self.place = place
        self.action = action
        self.hasHead = hasHead
        self.isForAnyHost = isForAnyHost
    }

    /// All there are; paths that are not here are not found, other methods are not allowed.
    static let all: [Route] = [
        .get("/ws") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openWebSocket(request, exchange)
        },
        .get("/sse", hasHead: true) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .eventStream)
        },
        .get("/stream", hasHead: true) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .jsonStream)
        },
        .get("/poll") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openPoll(request, exchange)
        },
        .channel(.post, .channel) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.publish(request, exchange, to: channel)
        },
        .channel(.get, .channel) { edge, _, exchange, channel in edge.describe(exchange, channel) },
        .channel(.get, .history) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.history(request, exchange, of: channel)
        },
        .channel(.get, .presence) { edge, _, exchange, channel in edge.askPresence(.exchange(exchange), of: channel) },
        .page("/healthz", isForAnyHost: true) { $0.answerHealth($1) },
        .page("/readyz", isForAnyHost: true) { $0.answerReadiness($1) },
        .page("/metrics", isForAnyHost: true) { $0.askMetrics($1) },
        .page("/demo") { $0.answerDemo($1) },
        .page("/") { $0.answerRoot($1) },
    ]

    /// The same by path.
    static let byPath: [(path: StaticString, routes: [Route])] = all.reduce(into: []) { known, route in
        guard case .path(let path) = route.place else { return }
        if let place = known.firstIndex(where: { "\($0.path)" == "\(path)" }) {
            known[place].routes.append(route)
        } else {
            known.append((path, [route]))
        }
    }

    /// The same by what is asked of a channel.
    static let ofChannels: [ChannelResource: [Route]] = all.reduce(into: [:]) { known, route in
        if case .channel(let resource) = route.place { known[resource, default: []].append(route) }
    }

    private static func get(
        _ path: StaticString,
        hasHead: Bool = false,
        _ action: @escaping @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void
    ) -> Route {
        Route(method: .get, place: .path(path), action: .page(action), hasHead: hasHead)
    }

    /// What says the same to everyone.
    private static func page(
        _ path: StaticString,
        isForAnyHost: Bool = false,
        _ action: @escaping @Sendable (EdgeReactor, Exchange) -> Void
    ) -> Route {
        Route(
            method: .get,
            place: .path(path),
            action: .page { edge, _, exchange in action(edge, exchange) },
            hasHead: true,
            isForAnyHost: isForAnyHost
        )
    }

    private static func channel(
        _ method: HTTPMethod,
        _ resource: ChannelResource,
        _ action:
            @escaping @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ChannelName)
            throws(HTTPRejection) -> Void
    ) -> Route {
        Route(method: method, place: .channel(resource), action: .channel(action), hasHead: method == .get)
    }

    /// Whether a method is this one.
    func takes(_ method: HTTPMethod) -> Bool { method == self.method || hasHead && method == .head }
}

extension Sequence where Element == Route {
    /// The methods of routes to one place, as `Allow` tells them.
    var allowedMethods: String {
        let methods: Set<String> = Set(flatMap { $0.hasHead ? ["\($0.method.name)", "HEAD"] : ["\($0.method.name)"] })
        return (["GET", "HEAD", "POST"].filter(methods.contains) + ["OPTIONS"]).joined(separator: ", ")
    }
}
