internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What event streams and JSON streams have in common: one answer that does not end, one feed for all of its channels.
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
        let padding = try request.parameter("padding")
        if exchange.form.contains(.hasNoBody) {
            output.removeAll()
            let opening = makeOpening(request, exchange, plan, as: .stream(carrier, paddingCount: 0))
            appendStreamHead(opening)
            connections[live: exchange.slot].pointee.answer.insert(.isLast)
            return finish(exchange)
        }
        let paddingCount = padding == nil || padding == "false" ? 0 : Self.paddingCount
        open(makeOpening(request, exchange, plan, as: .stream(carrier, paddingCount: paddingCount)))
    }

    /// Begins a stream, whose session, if it asked for one, is there.
    func beginStream(
        paddingCount: Int,
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)]
    ) {
        let slot = opening.exchange.slot
        let connection = connections[live: slot]
        output.removeAll()
        appendStreamHead(opening)
        become(opening.encoding, slot)
        connection.pointee.streamTick = reactor.currentTick
        appendStart(of: opening.encoding, paddingCount: paddingCount, session: opening.token)
        // The head does not wait for channels to open: a proxy or a browser that waits for it must not time out.
        hub.cork(slot.client) {
            write(slot, output.bytes)
            if !channels.isEmpty { hub.join(slot.client, channels) }
        }
    }

    /// A head with the fields that keep caches and proxies from holding a stream back.
    private func appendStreamHead(_ opening: Opening) {
        let encoding = opening.encoding
        let framing: HTTPBodyFraming = encoding.isChunked ? .chunked : .untilClose
        let type = encoding.carrier.carrier.contentType
        output.append(responseHead: 200, contentType: type, framing: framing, persistence: .close)
        output.append(field: "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")
        output.append(field: "Pragma", "no-cache")
        output.append(field: "X-Accel-Buffering", "no")
        output.append(field: "X-Content-Type-Options", "nosniff")
        append(crossOrigin: opening.exchange.origin, to: &output)
        append(fieldsOf: opening, to: &output)
        output.appendHeadEnd()
    }

    /// Appends what a stream begins with, in one piece: the time to reconnect, padding if it is asked for, `welcome`.
    private func appendStart(of encoding: Encoding, paddingCount: Int, session: SessionToken?) {
        content.removeAll()
        encoding.carrier.carrier.start(drawReconnectMilliseconds(), paddingCount, &content)
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
