internal import Backplane
internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a request to whom it is for: a whole one, or where that takes its body as it comes one without a body.
    func handle(_ request: borrowing HTTPRequest, for slot: Slot) {
        assert(!connections[live: slot].pointee.answer.contains(.isAwaited), "one answer after the other")
        var exchange = beginExchange(request, slot)
        if let wait = wait(for: .request, by: address(of: slot)) {
            return refuse(.exchange(exchange), status: 429, "too many requests", retryMilliseconds: wait)
        }
        do throws(HTTPRejection) {
            let (routes, subject) = try routes(of: request)
            guard routes.contains(where: { $0.traits.contains(.isForAnyHost) }) || isForHere(request, exchange) else {
                return
            }
            guard !routes.isEmpty else { return refuse(exchange, status: 404, "nothing is here", field: "path") }
            if request.head.method == .options { return answerPreflight(exchange, routes) }
            guard let route = routes.first(where: { $0.takes(request.head.method) }) else {
                return refuse(exchange, status: 405, "method not allowed", field: "method") {
                    $0.append(field: "Allow", utf8: routes.allowedMethods)
                }
            }
            if route.traits.contains(.hasScript), let callback = try request.callback() {
                guard configuration.answersScripts else {
                    return refuse(exchange, status: 403, "JSONP is not switched on", field: "callback")
                }
                exchange.callback = callback
            }
            if !route.traits.contains(.isForAnyHost) {
                do throws(HTTPRejection) {
                    exchange.credentials = try credentials(request, on: exchange.slot)
                } catch {
                    return try refuseToken(request, exchange, error)
                }
            }
            if isLate(slot), route.traits.isDisjoint(with: [.isForAnyHost, .isForOperators, .isNoBurden]),
                !looksAfterNode(exchange.credentials)
            {
                return shed(exchange)
            }
            if let wait = wait(for: .request, by: exchange.credentials) {
                return refuse(.exchange(exchange), status: 429, "too many requests", retryMilliseconds: wait)
            }
            if route.traits.contains(.isForOperators), !mayAdminister(request, exchange) { return }
            switch (route.action, subject) {
            case (.page(let action), _), (.body(let action), _): try action(self, request, exchange)
            case (.channel(let action), .channel(let channel)): try action(self, request, exchange, channel)
            case (.client(let action), .client(let subject)): try action(self, request, exchange, subject)
            case (.channel, _), (.client, _): assertionFailure("who finds such a route finds what it is about")
            }
        } catch {
            refuse(exchange, status: error.status, error.reason, field: error.field)
        }
    }

    /// What a path names besides what is there.
    private enum Subject {
        case none
        case channel(ChannelName)
        case client(ClusterQuestion.Subject)
    }

    /// What there is at a request's path, one route for a method; and what the path names. `*` is all there is.
    private func routes(of request: borrowing HTTPRequest) throws(HTTPRejection) -> ([Route], Subject) {
        if request.head.targetForm == .asterisk { return (Route.all, .none) }
        let path = request.head.path
        if path.hasPrefix("/channels/", in: request.octets.span), !request.isPath("/channels") {
            let (channel, resource) = try request.channelPath()
            return (Route.ofChannels[resource] ?? [], .channel(channel))
        }
        if path.hasPrefix("/calls/", in: request.octets.span) {
            return (Route.ofCalls, .channel(try request.servicePath()))
        }
        if let known = Route.byPath.first(where: { request.isPath($0.path) }) { return (known.routes, .none) }
        if ["/users/", "/sessions/", "/addresses/"].contains(where: { path.hasPrefix($0, in: request.octets.span) }),
            let text = path.text(in: request.octets.span), let (subject, resource) = try ClientResource.read(text)
        {
            return (Route.ofClients[resource] ?? [], .client(subject))
        }
        return (isBayeux(request) ? Route.ofBayeux : [], .none)
    }

    /// Whether a path is a mount point of Bayeux, or below one. Servers of others have the script of their client there.
    func isBayeux(_ request: borrowing HTTPRequest) -> Bool {
        let path = request.bytes[request.head.path.indices]
        return configuration.bayeuxPaths.contains { mount in
            guard path.starts(with: mount.utf8) else { return false }
            let rest = path.dropFirst(mount.utf8.count)
            return rest.isEmpty || rest.first == UInt8(ascii: "/") && !rest.reversed().starts(with: "sj.".utf8)
        }
    }
}
