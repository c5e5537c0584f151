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
        guard let decision = judgePublish(to: channel, byteCount: request.body.count, exchange) else { return }
        let name = try request.publicationKey()
        let isJSON = request.field(.contentType, begins: "application/json")
        let payload = Payload(published: request.body, asJSON: isJSON)?.with(name)
        let once = try request.idempotencyKey()
        publish(payload, in: "body", to: channel, idempotencyKey: once, as: decision, exchange)
    }

    /// `DELETE /channels/<name>?key=<key>`: tells that there is nothing under a key any more. Without a key all of the channel is meant.
    func remove(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        from channel: ChannelName
    ) throws(HTTPRejection) {
        guard let key = try request.publicationKey() else { return try clear(request, exchange, channel) }
        guard mayPublishHere(request, exchange) else { return }
        guard let decision = judgePublish(to: channel, byteCount: 0, exchange) else { return }
        let once = try request.idempotencyKey()
        publish(Payload(removalOf: key), in: "key", to: channel, idempotencyKey: once, as: decision, exchange)
    }

    /// Whether a request may publish so many bytes to a channel, or a backend is to say; `nil` if not, which it is told.
    private func judgePublish(
        to channel: ChannelName,
        byteCount: Int,
        _ exchange: Exchange
    ) -> AccessRules.Decision? {
        let decision = judge(.publish, channel, exchange.credentials)
        if decision == .refused {
            refusePublish(.exchange(exchange))
            return nil
        }
        if let wait = waitToPublish(byteCount, exchange.slot, exchange.credentials) {
            refuse(.exchange(exchange), status: 429, "too many publishes", retryMilliseconds: wait)
            return nil
        }
        return decision
    }

    /// Publishes what a request has, once a backend has been asked where a rule says so.
    private func publish(
        _ payload: Payload?,
        in field: StaticString,
        to channel: ChannelName,
        idempotencyKey once: String?,
        as decision: AccessRules.Decision,
        _ exchange: Exchange
    ) {
        let asker = Asker.exchange(exchange)
        guard decision == .hook else {
            return publish(payload, in: field, to: channel, idempotencyKey: once, for: asker)
        }
        guard let payload = publishable(payload, in: field, to: channel, for: asker) else { return }
        holdRequests(behind: exchange)
        askToPublish(payload, to: channel, exchange.slot, exchange.credentials) { edge, outcome in
            guard edge.isOpen(exchange.connection) else { return }
            edge.publish(outcome, payload, to: channel, idempotencyKey: once, for: asker)
        }
    }

    /// Whether the client may publish and its body is not compressed; if not, it is told.
    func mayPublishHere(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        guard isFromHere(request, exchange) else { return false }
        guard mayPublish(exchange.credentials) else {
            refuse(exchange, status: 401, "a valid API key is needed", field: "Authorization") {
                $0.append(field: "WWW-Authenticate", "Bearer")
            }
            return false
        }
        return isPlain(request, exchange)
    }

    /// Whether no page of another site asks; if one does, it is told.
    func isFromHere(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        if judgeOrigin(request) != .foreign { return true }
        refuse(exchange, status: 403, "pages of this origin may not publish here", field: "Origin")
        return false
    }

    /// Whether a body is not compressed; if it is, the client is told.
    func isPlain(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
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
        key text: String?,
        to channel: ChannelName,
        _ slot: Slot,
        id: [UInt8]?
    ) {
        if let wait = waitToPublish(message.count, slot, credentials(of: slot)) {
            return sendError(slot, id: id, code: 429, "too many publishes", retryMilliseconds: wait)
        }
        let name = text.flatMap { PublicationKey($0) }
        if text != nil, name == nil { return sendError(slot, id: id, code: 400, "key: \(PublicationKey.form)") }
        let payload = Payload(data, of: message)?.with(name)
        let byteCount = payload?.bytes.count ?? 0
        let asker = Asker.command(connections.key(ofLive: slot), id: id, byteCount: byteCount)
        let who = credentials(of: slot)
        switch judge(.publish, channel, who) {
        case .allowed: publish(payload, in: data.field, to: channel, idempotencyKey: nil, for: asker)
        case .refused: refusePublish(asker)
        case .hook:
            guard let payload = publishable(payload, in: data.field, to: channel, for: asker) else { return }
            let key = holdCommands(of: slot)
            askToPublish(payload, to: channel, slot, who) { edge, outcome in
                guard edge.isOpen(key) else { return }
                edge.publish(outcome, payload, to: channel, idempotencyKey: nil, for: asker)
                edge.goOnWithCommands(of: key)
            }
        }
    }

    // MARK: Asking

    /// Asks whether somebody may publish something, and as what.
    func askToPublish(
        _ payload: Payload,
        to channel: ChannelName,
        _ slot: Slot,
        _ who: Credentials,
        transport: String? = nil,
        _ then: @escaping HookContinuation
    ) {
        var body = makeBody(.publish, slot, who, transport: transport)
        body.add("channel", channel.text)
        body.add("key", payload.key?.text)
        body.add(payload)
        ask(.publish, body, then)
    }

    /// Publishes what a backend allowed, as it was or as the backend has it.
    func publish(
        _ outcome: HookOutcome,
        _ payload: Payload,
        to channel: ChannelName,
        idempotencyKey key: String?,
        for asker: Asker
    ) {
        if let status = outcome.status {
            metrics.forbidden.add()
            return refuse(asker, hookStatus: status)
        }
        var payload = payload
        if case .allowed(let answer) = outcome, let other = answer.data { payload = other.with(payload.key) }
        publish(payload, in: "data", to: channel, idempotencyKey: key, for: asker)
    }

    /// A payload that can be published there; if it cannot, its publisher is told.
    func publishable(
        _ payload: Payload?,
        in field: StaticString,
        to channel: ChannelName,
        for asker: Asker
    ) -> Payload? {
        if channel.isSystem {
            refuse(asker, status: 403, "only the system publishes here", field: "channel")
        } else if channel.isPattern {
            refuse(asker, status: 400, "nothing is published under a pattern", field: "channel")
        } else if payload == nil {
            refuse(asker, status: 400, "not valid JSON", field: field)
        } else {
            return payload
        }
        return nil
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
        guard let payload = publishable(payload, in: field, to: channel, for: asker) else { return }
        metrics.publishes.add()
        begin(asker)
        ask(.publish(asker, channel)) {
            .publish(
                PublishRequest(
                    ticket: $0,
                    channel: channel,
                    payload: payload,
                    idempotencyKey: key,
                    isKeyed: access.rules.isKeyed(channel),
                    history: access.rules.history(of: channel),
                    replicasMin: access.rules.replicasMin(for: channel)
                )
            )
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

extension HTTPRequest {
    /// What a publish that is asked for again is known by.
    func idempotencyKey() throws(HTTPRejection) -> String? {
        guard head[.idempotencyKey] != nil else { return nil }
        guard let key = text(of: .idempotencyKey), (1...255).contains(key.utf8.count) else {
            throw HTTPRejection(status: 400, field: "Idempotency-Key", reason: "must be 1 to 255 bytes of UTF-8")
        }
        return key
    }

    /// What a publication is about: the query's `key`, or the field `Perseid-Key`.
    func publicationKey() throws(HTTPRejection) -> PublicationKey? {
        let parameter = try parameter("key")
        if parameter != nil, head[.perseidKey] != nil {
            throw HTTPRejection(status: 400, field: "key", reason: "stands beside Perseid-Key")
        }
        if let parameter {
            guard let key = PublicationKey(parameter) else {
                throw HTTPRejection(status: 400, field: "key", reason: PublicationKey.form)
            }
            return key
        }
        guard head[.perseidKey] != nil else { return nil }
        guard let key = text(of: .perseidKey).flatMap({ PublicationKey($0) }) else {
            throw HTTPRejection(status: 400, field: "Perseid-Key", reason: PublicationKey.form)
        }
        return key
    }
}
