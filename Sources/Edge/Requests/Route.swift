internal import Backplane
internal import Broker
internal import Wire

/// What a method does at a path, and what it needs. A class, for it is looked up with each request and never copied.
final class Route: Sendable {
    /// Where it is.
    enum Place: Sendable {
        case path(StaticString)
        /// `/channels/<name>`, and what stands behind that.
        case channel(ChannelResource)
        /// `/users/<name>` and `/sessions/<id>`, and what stands behind that.
        case client(ClientResource)
        /// `/calls/<name>`
        case call
        /// Where Bayeux is mounted, and all below that.
        case bayeux
    }

    /// What is done there.
    enum Action: Sendable {
        case page(@Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void)
        case channel(
            @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ChannelName) throws(HTTPRejection) -> Void
        )
        case client(
            @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ClusterQuestion.Subject)
                throws(HTTPRejection) -> Void
        )
        /// Takes the body while it is still being sent: the request has none yet.
        case body(@Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void)
    }

    let method: HTTPMethod
    let place: Place
    let action: Action

    /// What else there is to know of it.
    let traits: Traits

    struct Traits: OptionSet, Sendable {
        let rawValue: UInt8

        /// For any host: what tells how a node is does not ask by which name.
        static let isForAnyHost = Traits(rawValue: 1)
        /// Its answer may be a script that calls a function of the page that asks.
        static let hasScript = Traits(rawValue: 2)
        /// For whoever runs the cluster.
        static let isForOperators = Traits(rawValue: 4)
    }

    init(method: HTTPMethod, place: Place, action: Action, _ traits: Traits = []) {
        self.method = method
        self.place = place
        self.action = action
        self.traits = traits
    }

    /// All there are; paths that are not here are not found, other methods are not allowed.
    static let all: [Route] = [
        .get("/ws") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openWebSocket(request, exchange)
        },
        .get("/sse") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .eventStream)
        },
        .get("/stream") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .jsonStream)
        },
        .get("/multipart") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .multipart)
        },
        .get("/frame") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openStream(request, exchange, as: .frame)
        },
        .get("/poll", .hasScript) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.openPoll(request, exchange)
        },
        .body("/publish") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.beginPublishing(request, exchange)
        },
        .channel(.post, .channel) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.publish(request, exchange, to: channel)
        },
        .channel(.get, .channel) { edge, _, exchange, channel in edge.describe(exchange, channel) },
        .channel(.get, .history) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.history(request, exchange, of: channel)
        },
        .channel(.get, .presence) { edge, _, exchange, channel in
            guard edge.mayAskPresence(exchange.slot, exchange.credentials, for: .exchange(exchange)) else { return }
            edge.allow(.presence, channel, exchange) { $0.askPresence(.exchange(exchange), of: channel) }
        },
        Route(
            method: .post,
            place: .call,
            action: .channel { (edge, request, exchange, channel) throws(HTTPRejection) in
                edge.call(request, exchange, channel)
            }
        ),
        Route(
            method: .post,
            place: .bayeux,
            action: .page { (edge, request, exchange) throws(HTTPRejection) in try edge.takeBayeux(request, exchange) }
        ),
        Route(
            method: .get,
            place: .bayeux,
            action: .page { (edge, request, exchange) throws(HTTPRejection) in try edge.openBayeux(request, exchange) }
        ),
        .client(.get, .itself),
        .client(.post, .disconnect),
        .client(.post, .subscribe),
        .client(.post, .unsubscribe),
        .get("/channels", .isForOperators) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.list(request, exchange) { .channels($0) }
        },
        .get("/sessions", .isForOperators) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.list(request, exchange) { _ in .sessions }
        },
        .get("/nodes", .isForOperators) { (edge, request, exchange) throws(HTTPRejection) in
            try edge.list(request, exchange) { _ in .nodes }
        },
        Route(
            method: .post,
            place: .path("/tokens/revoke"),
            action: .page { (edge, request, exchange) throws(HTTPRejection) in try edge.revoke(request, exchange) },
            .isForOperators
        ),
        .page("/openapi.json", .isForAnyHost) { $0.answerDescription($1) },
        .page("/healthz", .isForAnyHost) { $0.answerHealth($1) },
        .page("/readyz", .isForAnyHost) { $0.answerReadiness($1) },
        .page("/metrics", .isForAnyHost) { $0.askMetrics($1) },
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

    /// Where bodies are taken while they are still being sent.
    static let openBodyPaths = byPath.filter { $0.routes.contains(where: \.takesOpenBody) }.map(\.path)

    /// The same by what is asked of a channel.
    static let ofChannels: [ChannelResource: [Route]] = all.reduce(into: [:]) { known, route in
        if case .channel(let resource) = route.place { known[resource, default: []].append(route) }
    }

    /// The same by what is asked of a client.
    static let ofClients: [ClientResource: [Route]] = all.reduce(into: [:]) { known, route in
        if case .client(let resource) = route.place { known[resource, default: []].append(route) }
    }

    /// The same for services.
    static let ofCalls = all.filter { if case .call = $0.place { true } else { false } }

    /// The same for Bayeux.
    static let ofBayeux = all.filter { if case .bayeux = $0.place { true } else { false } }

    private static func get(
        _ path: StaticString,
        _ traits: Traits = [],
        _ action: @escaping @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void
    ) -> Route {
        Route(method: .get, place: .path(path), action: .page(action), traits)
    }

    private static func body(
        _ path: StaticString,
        _ action: @escaping @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void
    ) -> Route {
        Route(method: .post, place: .path(path), action: .body(action))
    }

    /// What says the same to everyone.
    private static func page(
        _ path: StaticString,
        _ traits: Traits = [],
        _ action: @escaping @Sendable (EdgeReactor, Exchange) -> Void
    ) -> Route {
        get(path, traits) { edge, _, exchange in action(edge, exchange) }
    }

    private static func channel(
        _ method: HTTPMethod,
        _ resource: ChannelResource,
        _ action:
            @escaping @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ChannelName)
            throws(HTTPRejection) -> Void
    ) -> Route {
        Route(method: method, place: .channel(resource), action: .channel(action))
    }

    private static func client(_ method: HTTPMethod, _ resource: ClientResource) -> Route {
        let action: Action = .client { (edge, request, exchange, subject) throws(HTTPRejection) in
            try edge.administer(request, exchange, subject, resource)
        }
        return Route(method: method, place: .client(resource), action: action, .isForOperators)
    }

    /// Whether a method is this one. HEAD is answered as GET is, and without a body.
    func takes(_ method: HTTPMethod) -> Bool { method == self.method || method == .head && self.method == .get }

    /// Whether it takes its body while that is still being sent.
    var takesOpenBody: Bool { if case .body = action { true } else { false } }
}

extension Sequence where Element == Route {
    /// The methods of routes to one place, as `Allow` tells them.
    var allowedMethods: String {
        let all: [HTTPMethod] = [.get, .head, .post]
        return (all.filter { method in contains { $0.takes(method) } } + [.options]).map { "\($0.name)" }
            .joined(separator: ", ")
    }
}
