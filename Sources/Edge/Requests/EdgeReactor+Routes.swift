internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a whole request to whom it is for.
    func handle(_ request: borrowing HTTPRequest, for slot: Slot) {
        let exchange = beginExchange(request, slot)
        do throws(HTTPRejection) {
            let (routes, channel) = try routes(of: request)
            guard routes.contains(where: { $0.isForAnyHost }) || isForHere(request, exchange) else { return }
            if request.head.method == .options { return answerPreflight(exchange) }
            guard !routes.isEmpty else { return refuse(exchange, status: 404, "nothing is here", field: "path") }
            guard let route = routes.first(where: { $0.takes(request.head.method) }) else {
                return refuse(exchange, status: 405, "method not allowed", field: "method") {
                    $0.append(field: "Allow", utf8: routes.allowedMethods)
                }
            }
            switch (route.action, channel) {
            case (.page(let action), _): try action(self, request, exchange)
            case (.channel(let action), let channel?): try action(self, request, exchange, channel)
            case (.channel, nil): assertionFailure("who finds a channel's route finds the channel")
            }
        } catch {
            refuse(exchange, status: error.status, error.reason, field: error.field)
        }
    }

    /// What there is at a request's path, one route for a method; and the channel that the path names.
    private func routes(of request: borrowing HTTPRequest) throws(HTTPRejection) -> ([Route], ChannelName?) {
        guard request.head.path.hasPrefix("/channels/", in: request.octets.span) else {
            return (Route.byPath.first { request.isPath($0.path) }?.routes ?? [], nil)
        }
        let (channel, resource) = try request.channelPath()
        return (Route.ofChannels[resource] ?? [], channel)
    }
}
