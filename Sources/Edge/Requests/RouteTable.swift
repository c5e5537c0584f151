internal import Backplane
internal import Broker
internal import Wire

// What there is, by what it is for.
extension Route {
    /// Readers of channels.
    static let readers: [Route] = [
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
    ]

    /// One publication, and many.
    static let publishing: [Route] = [
        .body("/publish") { (edge, request, exchange) throws(HTTPRejection) in
            try edge.beginPublishing(request, exchange)
        },
        .channel(.post, .channel) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.publish(request, exchange, to: channel)
        },
        .channel(.delete, .channel) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.remove(request, exchange, from: channel)
        },
    ]

    /// What is asked of a channel.
    static let channels: [Route] = [
        .channel(.get, .channel) { edge, _, exchange, channel in edge.describe(exchange, channel) },
        .channel(.get, .history) { (edge, request, exchange, channel) throws(HTTPRejection) in
            try edge.history(request, exchange, of: channel)
        },
        .channel(.get, .presence) { edge, _, exchange, channel in
            guard edge.mayAskPresence(exchange.slot, exchange.credentials, for: .exchange(exchange)) else { return }
            edge.allow(.presence, channel, exchange) { $0.askPresence(.exchange(exchange), of: channel) }
        },
    ]

    /// Services, and Bayeux: both say in what they send what they want.
    static let services: [Route] = [
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
    ]

    /// For whoever runs the cluster.
    static let operators: [Route] = [
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
    ]

    /// What says the same to everyone.
    static let pages: [Route] = [
        .page("/openapi.json", .isForAnyHost) { $0.answerDescription($1) },
        .page("/healthz", .isForAnyHost) { $0.answerHealth($1) },
        .page("/readyz", .isForAnyHost) { $0.answerReadiness($1) },
        .page("/metrics", .isForAnyHost) { $0.askMetrics($1) },
    ]

    /// What is embedded.
    static let files: [Route] = EmbeddedFile.all.map { path, file in
        .get(path, .isNoBurden) { edge, request, exchange in edge.answer(request, exchange, with: file) }
    }

    // MARK: Kinds

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
}
