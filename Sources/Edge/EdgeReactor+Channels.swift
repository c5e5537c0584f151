internal import Broker
internal import Logging
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a request for `/channels/…` to what it asks for.
    func handleChannel(_ request: borrowing HTTPRequest, _ slot: Slot) throws(HTTPRejection) {
        let (channel, resource) = try request.channelPath()
        switch (resource, request.head.method) {
        case (.channel, .post): try publish(request, slot, to: channel)
        case (.channel, .get), (.channel, .head): describe(slot, channel)
        case (.history, .get), (.history, .head): try history(request, slot, of: channel)
        case (.presence, .get), (.presence, .head):
            askPresence(slot, of: channel)
        case (.channel, _): refuseMethod(slot, allowed: "GET, HEAD, POST, OPTIONS")
        default: refuseMethod(slot, allowed: "GET, HEAD, OPTIONS")
        }
    }

    // MARK: Publishing

    private func publish(
        _ request: borrowing HTTPRequest,
        _ slot: Slot,
        to channel: ChannelName
    ) throws(HTTPRejection) {
        guard judgeOrigin(request) != .foreign else {
            return refuse(slot, status: 403, "pages of this origin may not publish here", field: "Origin")
        }
        guard mayPublish(request) else {
            return refuse(slot, status: 401, "a valid API key is needed", field: "Authorization") {
                $0.append(field: "WWW-Authenticate", "Bearer")
            }
        }
        guard !channel.isSystem else {
            return refuse(slot, status: 403, "only the system publishes here", field: "channel")
        }
        // Kept as it is it would come out as base64 of something compressed, which nobody asked for.
        guard request.head[.contentEncoding] == nil || request.field(.contentEncoding, is: "identity") else {
            return refuse(slot, status: 415, "a body is taken as it is", field: "Content-Encoding") {
                $0.append(field: "Accept-Encoding", "identity")
            }
        }
        let isJSON = request.field(.contentType, begins: "application/json")
        guard let payload = Payload(published: request.body, asJSON: isJSON) else {
            throw HTTPRejection(status: 400, field: "body", reason: "not valid JSON")
        }
        let key = request.text(of: .idempotencyKey)
        if request.head[.idempotencyKey] != nil, !(1...255).contains(key?.utf8.count ?? 0) {
            throw HTTPRejection(status: 400, field: "Idempotency-Key", reason: "must be 1 to 255 bytes of UTF-8")
        }
        metrics.publishes.add()
        connections[live: slot].pointee.answer.insert(.isAwaited)
        ask(.publish(connections.key(ofLive: slot), channel, origin: answerOrigin)) {
            .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: key))
        }
    }

    /// Whether a request may publish. Without keys, reaching the port is enough.
    func mayPublish(_ request: borrowing HTTPRequest) -> Bool {
        configuration.apiKeys.isEmpty || showsKey(request)
    }

    /// Whether a request shows one of the node's keys.
    func showsKey(_ request: borrowing HTTPRequest) -> Bool {
        guard !configuration.apiKeys.isEmpty, let text = request.text(of: .authorization) else { return false }
        let scheme = "Bearer "
        guard text.utf8.count > scheme.utf8.count, text.prefix(scheme.count).lowercased() == "bearer " else {
            return false
        }
        let shown = Array(text.utf8.dropFirst(scheme.utf8.count))
        return configuration.apiKeys.contains { ConstantTime.isEqual(Array($0.utf8), shown) }
    }

    func answerPublish(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>) {
        guard let waiter = waiting.removeValue(forKey: ticket.number) else { return }
        switch waiter {
        case .publish(let key, let channel, let origin):
            guard let slot = answering(key) else { return }
            answerOrigin = origin
            switch outcome {
            case .success(let position): answerPublished(slot, channel, position)
            case .failure(let failure): refuse(slot, failure)
            }
        case .command(let key, let channel, let id, let byteCount):
            endCommand(key, byteCount: byteCount)
            guard connections.contains(key) else { return }
            tellPublished(key.slot, channel, id: id, outcome)
        case .history, .describe, .session, .presence, .presenceCommand: break
        }
    }

    private func answerPublished(_ slot: Slot, _ channel: ChannelName, _ position: Position) {
        frame.removeAll()
        frame.append("{\"channel\":")
        frame.appendJSONString(channel.text)
        append(",\"position\":", position, to: &frame)
        frame.append("}")
        answer(slot, contentType: "application/json", frame.bytes)
    }

    /// Says that the backplane did not do it, and that asking again is right.
    func refuse(_ slot: Slot, _ failure: BackplaneFailure) {
        metrics.publishesRefused.add()
        let message: StaticString =
            switch failure {
            case .unavailable: "the backplane is away"
            case .overloaded: "the backplane is busy"
            case .refused: "the backplane refused"
            }
        refuse(slot, status: 503, message) { $0.append(field: "Retry-After", 1) }
    }

    // MARK: Reading

    private func describe(_ slot: Slot, _ channel: ChannelName) {
        connections[live: slot].pointee.answer.insert(.isAwaited)
        tellCounts()
        ask(.describe(connections.key(ofLive: slot), channel, origin: answerOrigin)) { .describe($0, channel) }
    }

    func answerDescribe(_ ticket: Ticket, _ outcome: Result<ChannelFacts, BackplaneFailure>) {
        guard case .describe(let key, let channel, let origin)? = waiting.removeValue(forKey: ticket.number),
            let slot = answering(key)
        else { return }
        answerOrigin = origin
        switch outcome {
        case .failure(let failure): refuse(slot, failure)
        case .success(let facts):
            frame.removeAll()
            frame.append("{\"channel\":")
            frame.appendJSONString(channel.text)
            frame.append(",\"subscribers\":")
            frame.append(decimal: UInt64(clamping: facts.subscribers))
            frame.append(",\"nodes\":")
            frame.append(decimal: UInt64(clamping: facts.nodes))
            append(",\"position\":", facts.head, to: &frame)
            frame.append("}")
            answer(slot, contentType: "application/json", frame.bytes)
        }
    }

    private func history(
        _ request: borrowing HTTPRequest,
        _ slot: Slot,
        of channel: ChannelName
    ) throws(HTTPRejection) {
        var since: Position?
        if let text = try request.parameter("since") {
            since = Position(text)
            if since == nil { throw HTTPRejection(status: 400, field: "since", reason: "not a position") }
        }
        var limit = limits.historyCountMax
        if let text = try request.parameter("limit") {
            guard let number = Int(text), (1...limits.readCountMax).contains(number) else {
                throw HTTPRejection(status: 400, field: "limit", reason: "not a number from 1 to the read limit")
            }
            limit = number
        }
        connections[live: slot].pointee.answer.insert(.isAwaited)
        ask(.history(connections.key(ofLive: slot), channel, origin: answerOrigin)) {
            .history($0, channel, since: since, limit: limit)
        }
    }

    func answerHistory(_ ticket: Ticket, _ outcome: Result<HistoryPage, BackplaneFailure>) {
        guard case .history(let key, let channel, let origin)? = waiting.removeValue(forKey: ticket.number),
            let slot = answering(key)
        else { return }
        answerOrigin = origin
        switch outcome {
        case .failure(let failure): refuse(slot, failure)
        case .success(let page):
            frame.removeAll()
            append(page, of: channel, to: &frame)
            answer(slot, contentType: "application/json", frame.bytes)
        }
    }

    private func append(_ page: HistoryPage, of channel: ChannelName, to buffer: inout ByteBuffer) {
        buffer.append("{\"channel\":")
        buffer.appendJSONString(channel.text)
        buffer.append(",\"publications\":[")
        let shown = part(of: page)
        for (number, publication) in shown.enumerated() {
            if number > 0 { buffer.append(",") }
            publication.payload.bytes.withUnsafeBytes { bytes in
                channel.withUTF8 {
                    Envelope.appendMessage(
                        channel: $0,
                        position: publication.position.numbers,
                        payload: Envelope.Payload(publication.payload.kind, bytes),
                        to: &buffer
                    )
                }
            }
        }
        append("],\"position\":", page.head, to: &buffer)
        if page.hasMore || shown.count < page.publications.count { buffer.append(",\"more\":true") }
        if page.since != nil { buffer.append(page.isComplete ? ",\"recovered\":true" : ",\"recovered\":false") }
        buffer.append("}")
    }

    /// What of a page has room in an answer: a payload of control characters is six times as large in JSON, and takes as much
    /// longer to write. The first behind a position, else the newest; one at least.
    private func part(of page: HistoryPage) -> ArraySlice<Publication> {
        var left = limits.historyBytesMax
        var count = 0
        let nearestFirst =
            page.since == nil ? AnySequence(page.publications.reversed()) : AnySequence(page.publications)
        for publication in nearestFirst {
            if left <= 0 { break }
            left -= publication.payload.jsonByteCount
            count += 1
        }
        return page.since == nil ? page.publications.suffix(count) : page.publications.prefix(count)
    }

    private func append(_ name: StaticString, _ position: Position, to buffer: inout ByteBuffer) {
        buffer.append(name)
        buffer.append("\"")
        buffer.append(decimal: position.milliseconds)
        buffer.append("-")
        buffer.append(decimal: position.sequence)
        buffer.append("\"")
    }

    /// The connection an answer is for, if it still waits.
    func answering(_ key: SlabKey) -> Slot? {
        guard let connection = connections.pointer(to: key), !connection.pointee.isClosed else {
            return nil
        }
        return key.slot
    }
}
