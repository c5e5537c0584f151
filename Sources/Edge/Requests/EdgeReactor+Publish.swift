internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// Publishing, for requests and for commands.
extension EdgeReactor {
    /// `POST /channels/<name>`
    func publish(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        to channel: ChannelName
    ) throws(HTTPRejection) {
        guard mayPublishHere(request, exchange) else { return }
        guard isAllowed(.publish, channel, exchange.credentials) else { return refusePublish(.exchange(exchange)) }
        let isJSON = request.field(.contentType, begins: "application/json")
        let payload = Payload(published: request.body, asJSON: isJSON)
        let key = request.text(of: .idempotencyKey)
        if request.head[.idempotencyKey] != nil, !(1...255).contains(key?.utf8.count ?? 0) {
            throw HTTPRejection(status: 400, field: "Idempotency-Key", reason: "must be 1 to 255 bytes of UTF-8")
        }
        publish(payload, in: "body", to: channel, idempotencyKey: key, for: .exchange(exchange))
    }

    /// Whether the client may publish and its body is not compressed; if not, it is told.
    func mayPublishHere(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        guard judgeOrigin(request) != .foreign else {
            refuse(exchange, status: 403, "pages of this origin may not publish here", field: "Origin")
            return false
        }
        guard mayPublish(exchange.credentials) else {
            refuse(exchange, status: 401, "a valid API key is needed", field: "Authorization") {
                $0.append(field: "WWW-Authenticate", "Bearer")
            }
            return false
        }
        // Kept as it is it would come out as base64 of something compressed, which nobody asked for.
        guard request.head[.contentEncoding] == nil || request.field(.contentEncoding, is: "identity") else {
            refuse(exchange, status: 415, "a body is taken as it is", field: "Content-Encoding") {
                $0.append(field: "Accept-Encoding", "identity")
            }
            return false
        }
        return true
    }

    /// The command of a WebSocket.
    func publish(
        _ data: PublishedData,
        of message: UnsafeRawBufferPointer,
        to channel: ChannelName,
        _ slot: Slot,
        id: [UInt8]?
    ) {
        let payload = Payload(data, of: message)
        let byteCount = payload?.bytes.count ?? 0
        let asker = Asker.command(connections.key(ofLive: slot), id: id, byteCount: byteCount)
        guard isAllowed(.publish, channel, credentials(of: slot)) else { return refusePublish(asker) }
        publish(payload, in: data.field, to: channel, idempotencyKey: nil, for: asker)
    }

    /// Publishes for a client that may.
    ///
    /// - Parameter payload: what was understood, or `nil` where `field` is not what it says it is.
    func publish(
        _ payload: Payload?,
        in field: StaticString,
        to channel: ChannelName,
        idempotencyKey key: String?,
        for asker: Asker
    ) {
        guard !channel.isSystem else {
            return refuse(asker, status: 403, "only the system publishes here", field: "channel")
        }
        guard !channel.isPattern else {
            return refuse(asker, status: 400, "nothing is published under a pattern", field: "channel")
        }
        guard let payload else { return refuse(asker, status: 400, "not valid JSON", field: field) }
        metrics.publishes.add()
        begin(asker)
        ask(.publish(asker, channel)) {
            .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: key))
        }
    }

    func answerPublish(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>) {
        guard case .publish(let asker, let channel)? = waiting.removeValue(forKey: ticket.number), end(asker) else {
            return
        }
        switch (outcome, asker) {
        case (.failure(let failure), _): refuse(asker, failure)
        case (.success(let position), .exchange(let exchange)):
            answer(
                exchange,
                json: { body in
                    channel.withUTF8 { AnswerBody.appendPublished(channel: $0, position: position.numbers, to: &body) }
                }
            )
        case (.success(let position), .command(let key, let id, _)):
            hub.send(.published(id: id, channel: channel.text, position: position.numbers), to: key.slot.client)
        case (.success(let position), .line(let line)): answer(line, channel, at: position)
        case (.success, .bayeux(let batch, let place)): answerPublish(batch, place, isDone: true)
        }
    }
}
