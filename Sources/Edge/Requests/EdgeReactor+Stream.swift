internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What all streams have in common: one answer that does not end, one feed for all of its channels.
extension EdgeReactor {
    /// Bytes of padding a client gets that asks for it: past what any known browser or proxy holds back.
    private static let paddingCount = 2_048

    /// Takes a request for a stream.
    func openStream(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        as carrier: CarrierID
    ) throws(HTTPRejection) {
        if carrier.traits.contains(.hasFields), try isToldToStay(request) {
            return answer(exchange, status: 204, contentType: nil, literal(""))
        }
        let plan = try SubscriptionPlan(request, limits: limits)
        var opening = makeOpening(request, exchange, plan, as: .stream(carrier, try wishes(request, carrier)))
        if access.rules.areAnyCompressed, plan.dialect != .bayeux {
            opening.acceptedCoding = ContentCoding.wanted(by: request.texts(of: .acceptEncoding))
        }
        guard exchange.form.contains(.hasNoBody) else { return open(opening) }
        output.removeAll()
        appendStreamHead(opening)
        connections[live: exchange.slot].pointee.answer.insert(.isLast)
        finish(exchange)
    }

    /// What a request wants of the carrier: padding; and for a script the function of the page that it calls, or the site of
    /// the page that it is posted to.
    private func wishes(
        _ request: borrowing HTTPRequest,
        _ carrier: CarrierID
    ) throws(HTTPRejection) -> Carrier.Wishes {
        var wishes = Carrier.Wishes()
        if let padding = try request.parameter("padding"), padding != "false" {
            wishes.paddingCount = Self.paddingCount
        }
        guard carrier.traits.contains(.isScript) else { return wishes }
        wishes.callback = try request.callback()
        wishes.page = try foreignPage(request)
        if wishes.callback == nil, wishes.page == nil {
            throw HTTPRejection(status: 400, field: "callback", reason: "the name of a function is needed")
        }
        return wishes
    }

    /// Begins a stream, whose session, if it asked for one, is there.
    func beginStream(
        _ wishes: Carrier.Wishes,
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)]
    ) {
        let slot = opening.exchange.slot
        let connection = connections[live: slot]
        assert(connection.pointee.client.encoding == nil, "a connection becomes one reader, once")
        var opening = opening
        if opening.acceptedCoding != nil, mayCompress(channels) { opening.contentCoding = opening.acceptedCoding }
        output.removeAll()
        appendStreamHead(opening)
        // The head does not wait for channels to open: a proxy or a browser that waits for it must not time out.
        hub.cork(slot.client) {
            write(slot, output.bytes)
            become(opening.encoding, slot)
            connection.pointee.client.pace = opening.plan.pace
            connection.pointee.streamTick = reactor.currentTick
            if opening.contentCoding != nil { hub.beginCodedBody(slot.client) }
            output.removeAll()
            appendStart(of: opening.encoding, wishes, session: opening.token)
            write(slot, output.bytes)
            if !channels.isEmpty { hub.join(slot.client, channels, entries: opening.plan.entries) }
        }
    }

    /// Whether rules let the whole of a stream be compressed, which is said before the first of it.
    private func mayCompress(_ channels: [(name: ChannelName, since: Position?)]) -> Bool {
        !channels.isEmpty && channels.allSatisfy { access.rules.compression(of: $0.name) != .off }
    }

    /// Has a browser's `EventSource` come again: to any other status than 200 it says "fail the connection", and its page has to make
    /// another one (HTML, server-sent events). What would be 429 or 503 is for it a short stream that tells `retry:` and why; its
    /// client keeps its last id.
    func putOff(_ exchange: Exchange, _ code: ByeCode, _ reason: StaticString, _ retryMilliseconds: UInt64?) {
        debug(exchange.slot, "put off", ["code": "\(code.rawValue)", "reason": "\(reason)"])
        metrics.rejections.add()
        let (carrier, encoding) = (Carrier.eventStream, Encoding(.eventStream, .perseid, isChunked: false))
        let after = retryMilliseconds ?? drawReconnectMilliseconds()
        let reason = "\(reason)"
        content.removeAll()
        carrier.start(after, Carrier.Wishes(), &content)
        let bye = ControlMessage.bye(
            code: code.rawValue,
            reason: reason,
            mayReconnect: true,
            afterMilliseconds: after
        )
        hub.encoder.append(bye, as: encoding, to: &content)
        answer(exchange, contentType: nil, content.bytes) {
            $0.append(field: "Content-Type", utf8: carrier.contentType ?? "")
            $0.append(field: "Cache-Control", "no-store")
        }
    }

    /// A head with the fields that keep caches and proxies from holding a stream back.
    private func appendStreamHead(_ opening: Opening) {
        let encoding = opening.encoding
        let framing: HTTPBodyFraming = encoding.isChunked ? .chunked : .untilClose
        let carrier = encoding.carrier.carrier
        output.append(responseHead: 200, contentType: nil, framing: framing, persistence: .close)
        output.append(field: "Content-Type", utf8: carrier.contentType ?? "")
        output.append(field: "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")
        output.append(field: "Pragma", "no-cache")
        output.append(field: "X-Accel-Buffering", "no")
        output.append(field: "X-Content-Type-Options", "nosniff")
        if let coding = opening.contentCoding { output.append(field: "Content-Encoding", coding.name) }
        if access.rules.areAnyCompressed { output.append(field: "Vary", "Accept-Encoding") }
        carrier.head(origins.pages, &output)
        append(fieldsOf: opening.exchange, to: &output)
        append(fieldsOf: opening, to: &output)
        output.appendHeadEnd()
    }

    /// Appends what a stream begins with, in one piece: the time to reconnect, padding if it is asked for, `welcome`.
    private func appendStart(of encoding: Encoding, _ wishes: Carrier.Wishes, session: SessionToken?) {
        content.removeAll()
        encoding.carrier.carrier.start(wishes.retryMilliseconds ?? drawReconnectMilliseconds(), wishes, &content)
        if encoding.hasControlMessages { appendWelcome(session: session, as: encoding.unchunked, to: &content) }
        encoding.append(body: content.bytes, to: &output)
    }

    /// Whether a browser comes back by itself that was told not to: "clients will reconnect if the connection is closed;
    /// a client can be told to stop reconnecting using the HTTP 204 No Content response code" (HTML, server-sent events).
    func isToldToStay(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> Bool {
        if let id = request.text(of: .lastEventID) { return id.hasPrefix(ByeCode.lastEventIDMark) }
        return try request.parameter("lastEventId")?.hasPrefix(ByeCode.lastEventIDMark) ?? false
    }
}
