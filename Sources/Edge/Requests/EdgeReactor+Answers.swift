internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// How a request is answered: in the form that it asked for, to the page that asked, and then the next one is looked at.
extension EdgeReactor {
    /// What a request wants of its answer.
    func beginExchange(_ request: borrowing HTTPRequest, _ slot: Slot) -> Exchange {
        let connection = connections[live: slot]
        var form: Exchange.Form = []
        if request.head.minorVersion == 0 { form.insert(.endsByClosing) }
        if request.head.method == .head { form.insert(.hasNoBody) }
        if isForEventSource(request) { form.insert(.isForEventSource) }
        switch request.head.persistence {
        case .close: connection.pointee.answer.insert(.isLast)
        case .announcedKeepAlive: form.insert(.announcesKeepAlive)
        case .keepAlive: break
        }
        if drainDeadlineTick != nil { connection.pointee.answer.insert(.isLast) }
        return Exchange(
            connection: connections.key(ofLive: slot),
            form: form,
            origin: crossOriginFields(request)
        )
    }

    /// Whether a browser's `EventSource` asks, or something that says the same.
    func isForEventSource(_ request: borrowing HTTPRequest) -> Bool {
        request.isPath("/sse") && request.list(.accept, has: "text/event-stream")
    }

    func persistence(_ exchange: Exchange) -> HTTPPersistence {
        if connections[live: exchange.slot].pointee.answer.contains(.isLast) { return .close }
        return exchange.form.contains(.announcesKeepAlive) ? .announcedKeepAlive : .keepAlive
    }

    /// Whether an answer is still waited for.
    func isWaitedFor(_ exchange: Exchange) -> Bool {
        guard let connection = connections.pointer(to: exchange.connection) else { return false }
        return !connection.pointee.isClosed
    }

    /// Has later requests of the connection wait until this one is answered.
    func holdRequests(behind exchange: Exchange) {
        connections[live: exchange.slot].pointee.answer.insert(.isAwaited)
    }

    /// Sends what `output` holds as the answer and goes on with the next request.
    func finish(_ exchange: Exchange) {
        assert(isWaitedFor(exchange), "who answers has looked whether somebody waits")
        let slot = exchange.slot
        let connection = connections[live: slot]
        // A poll is over with its answer; what follows is asked anew.
        if connection.pointee.client.has(.isOneAnswer) {
            connection.pointee.client.encoding = nil
            pollAskers[connections.key(ofLive: slot).client] = nil
        }
        write(slot, output.bytes)
        guard connection.pointee.isOpen else { return }
        if connection.pointee.answer.contains(.isLast) { return closeWhenSent(slot) }
        if connection.pointee.traffic.contains(.isProxied) { forgetForwarded(slot) }
        connection.pointee.lastHeardTick = reactor.currentTick
        // The one that a held poll had is used up.
        let idle = min(limits.keepAliveMilliseconds, limits.heartbeatMilliseconds)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: idle))
        guard connection.pointee.answer.contains(.isAwaited) else { return }
        connection.pointee.answer.remove(.isAwaited)
        if connection.pointee.input != nil || connection.pointee.traffic.contains(.isEnded) { goOn(slot) }
    }

    /// Answers with a body.
    func answer(
        _ exchange: Exchange,
        status: Int = 200,
        contentType: StaticString?,
        _ body: UnsafeRawBufferPointer,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        if exchange.callback != nil { return answerScript(exchange, body, extraFields: extraFields) }
        output.removeAll()
        output.append(
            status: status,
            contentType: contentType,
            body: body,
            persistence: persistence(exchange),
            includesBody: !exchange.form.contains(.hasNoBody)
        ) {
            append(fieldsOf: exchange, to: &$0)
            extraFields(&$0)
        }
        finish(exchange)
    }

    /// Answers with a JSON body, written by `body`.
    func answer(_ exchange: Exchange, json body: (inout ByteBuffer) -> Void) {
        content.removeAll()
        body(&content)
        answer(exchange, contentType: "application/json", content.bytes)
    }

    /// Answers with a script that calls the function of the page that asks; of an error, too.
    private func answerScript(
        _ exchange: Exchange,
        _ json: UnsafeRawBufferPointer,
        extraFields: (inout ByteBuffer) -> Void
    ) {
        var wishes = Carrier.Wishes()
        wishes.callback = exchange.callback
        var script = ByteBuffer()
        Carrier.jsonp.answer(json, wishes, &script)
        output.removeAll()
        output.append(
            status: 200,
            contentType: nil,
            body: script.bytes,
            persistence: persistence(exchange),
            includesBody: !exchange.form.contains(.hasNoBody)
        ) {
            $0.append(field: "Content-Type", utf8: Carrier.jsonp.contentType ?? "")
            Carrier.jsonp.head(origins.pages, &$0)
            append(fieldsOf: exchange, to: &$0)
            extraFields(&$0)
        }
        finish(exchange)
    }

    /// Answers with an error and says which part of the request it is about, and which of several channels.
    func refuse(
        _ exchange: Exchange,
        status: Int,
        _ message: StaticString,
        field: StaticString? = nil,
        channel: ChannelName? = nil,
        retryMilliseconds: UInt64? = nil,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        if status == 429 || status == 503, exchange.form.contains(.isForEventSource) {
            return putOff(exchange, status == 429 ? .tooOften : .unavailable, message, retryMilliseconds)
        }
        debug(
            exchange.slot,
            "refused",
            ["status": "\(status)", "reason": "\(message)", "field": "\(field.map { "\($0)" } ?? "")"]
        )
        metrics.rejections.add()
        content.removeAll()
        AnswerBody.appendError(
            status: status,
            message: "\(message)",
            field: field,
            channel: channel?.text,
            to: &content
        )
        answer(exchange, status: status, contentType: "application/json", content.bytes) {
            if exchange.callback != nil { $0.append(field: "Cache-Control", "no-store") }
            if let retryMilliseconds { $0.append(field: "Retry-After", (retryMilliseconds + 999) / 1_000) }
            extraFields(&$0)
        }
    }

    /// Tells the client that what it asked for is not done, and why. A command is told the part of it that is at fault in the
    /// message.
    func refuse(
        _ asker: Asker,
        status: UInt16,
        _ message: StaticString,
        field: StaticString? = nil,
        retryMilliseconds: UInt64? = nil,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        switch asker {
        case .exchange(let exchange):
            refuse(
                exchange,
                status: Int(status),
                message,
                field: field,
                retryMilliseconds: retryMilliseconds,
                extraFields: extraFields
            )
        case .command(let key, let id, _):
            guard let connection = connections.pointer(to: key), connection.pointee.isOpen else { return }
            let text = field.map { "\($0): \(message)" } ?? "\(message)"
            sendError(key.slot, id: id, code: status, text, retryMilliseconds: retryMilliseconds)
        case .line(let line):
            refuse(line, status: Int(status), "\(message)", field: field, retryMilliseconds: retryMilliseconds)
        case .bayeux(let batch, let place): answerPublish(batch, place, isDone: false)
        }
    }

    /// Says that the backplane did not do it, and that asking again is right.
    func refuse(_ asker: Asker, _ failure: BackplaneFailure) {
        metrics.publishesRefused.add()
        let message: StaticString =
            switch failure {
            case .unavailable: "the backplane is away"
            case .overloaded: "the backplane is busy"
            case .refused: "the backplane refused"
            }
        refuse(asker, status: 503, message) { $0.append(field: "Retry-After", 1) }
    }

    func literal(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
