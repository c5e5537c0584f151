internal import Broker
internal import Hub
internal import Reactor
internal import Text
internal import Wire

// The ways by which Bayeux comes: a body, a query, a WebSocket, an event stream. What stands behind the mount point in a path carries
// no meaning, but on an event stream: there it is the client.
extension EdgeReactor {
    /// `POST /bayeux`: long-polling, from a page of another site, too.
    func takeBayeux(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        guard judgeOrigin(request) != .foreign else {
            return refuse(exchange, status: 403, "pages of this origin may not connect here", field: "Origin")
        }
        let label: BayeuxBody.Label =
            if request.field(.contentType, begins: "application/json") {
                .json
            } else if request.field(.contentType, begins: "application/x-www-form-urlencoded") {
                .form
            } else {
                .other
            }
        let messages = try BayeuxBody.messages(in: request.body, label, countMax: limits.commandsPerMessageMax)
        begin(batch(messages, request, exchange))
    }

    /// What `GET /bayeux` may ask for.
    enum BayeuxWay {
        case webSocket
        case eventStream
        /// Callback-polling, where each answer is a script.
        case script
    }

    func bayeuxWay(of request: borrowing HTTPRequest) -> BayeuxWay {
        if request.head.wantsUpgrade, request.list(.upgrade, has: "websocket") { return .webSocket }
        return request.list(.accept, has: "text/event-stream") ? .eventStream : .script
    }

    /// `GET /bayeux`
    func openBayeux(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        switch bayeuxWay(of: request) {
        case .webSocket: try openBayeuxSocket(request, exchange)
        case .eventStream: try openBayeuxStream(request, exchange)
        case .script: try takeBayeuxQuery(request, exchange)
        }
    }

    private func takeBayeuxQuery(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        let texts = try request.parameters("message")
        guard !texts.isEmpty else {
            return refuse(exchange, status: 400, "no message of Bayeux", field: "message")
        }
        guard configuration.answersScripts else {
            return refuse(exchange, status: 403, "JSONP is not switched on", field: "jsonp")
        }
        guard let callback = CallbackName(try request.parameter("jsonp") ?? "jsonpcallback") else {
            throw HTTPRejection(status: 400, field: "jsonp", reason: "not the name of a function")
        }
        let messages = try BayeuxBody.messages(in: texts, countMax: limits.commandsPerMessageMax)
        var exchange = exchange
        exchange.callback = callback
        begin(batch(messages, request, exchange))
    }

    private func batch(
        _ messages: [BayeuxMessage],
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange
    ) -> BayeuxBatch {
        holdRequests(behind: exchange)
        var exchange = exchange
        let isAffine = isCookieOurs(request)
        if !isAffine { exchange.form.insert(.offersNode) }
        let batch = BayeuxBatch(
            messages,
            from: .exchange(exchange),
            credentials: exchange.credentials,
            isAffine: isAffine,
            receivedMilliseconds: wallMilliseconds
        )
        if batch.handshake != nil { batch.connectFields = connectFields(request, exchange.credentials) }
        return batch
    }

    // MARK: Event streams

    /// `GET /bayeux/<clientId>`: what is published comes this way, and everything else by requests.
    private func openBayeuxStream(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        guard judgeOrigin(request) != .foreign else {
            return refuse(exchange, status: 403, "pages of this origin may not connect here", field: "Origin")
        }
        if try isToldToStay(request) { return answer(exchange, status: 204, contentType: nil, literal("")) }
        let path = PercentCoding.decode(request.octets.span.extracting(request.head.path.indices)) ?? ""
        let clientID = path.split(separator: "/").last.map(String.init) ?? ""
        guard let token = SessionToken(clientID: clientID) else {
            return refuse(exchange, status: 401, "there is no such session", field: "path")
        }
        let plan = try SubscriptionPlan(ofBayeux: token, request)
        var wishes = Carrier.Wishes()
        wishes.retryMilliseconds = Self.streamRetryMilliseconds
        open(makeOpening(request, exchange, plan, as: .stream(.eventStream, wishes)))
    }

    /// When a browser comes back whose stream ended: a subscription by another request ends it.
    private static let streamRetryMilliseconds: UInt64 = 250

    // MARK: WebSockets

    private func openBayeuxSocket(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        if let rejection = WebSocketHandshake.rejection(request) { throw rejection }
        guard judgeOrigin(request) != .foreign else {
            return refuse(exchange, status: 403, "pages of this origin may not connect here", field: "Origin")
        }
        let plan = try SubscriptionPlan(ofBayeux: nil, request)
        let agreement = WebSocketHandshake.Agreement(request, mayCompress: access.rules.areAnyCompressed)
        open(makeOpening(request, exchange, plan, as: .webSocket(agreement)))
        let key = exchange.connection
        // Who was refused has a connection that speaks HTTP as before.
        guard isOpen(key), connections[live: key.slot].pointee.client.has(.isTwoWay) else { return }
        let socket = BayeuxSocket(key)
        socket.connectFields = connectFields(request, exchange.credentials)
        bayeuxSockets[key] = socket
    }

    /// Takes a message of a WebSocket. An empty array is what old clients keep their connection alive with.
    func takeBayeux(_ bytes: UnsafeRawBufferPointer, from socket: BayeuxSocket) {
        if JSONText.elements(of: bytes, countMax: 0)?.count == 0 { return }
        let slot = socket.connection.slot
        do throws(HTTPRejection) {
            let messages = try BayeuxBody.messages(inJSON: bytes, countMax: limits.commandsPerMessageMax)
            connections[live: slot].pointee.answer.insert(.isAwaited)
            let batch = BayeuxBatch(
                messages,
                from: .socket(socket),
                credentials: credentials(of: slot),
                isAffine: false,
                receivedMilliseconds: wallMilliseconds
            )
            if batch.handshake != nil { batch.connectFields = socket.connectFields }
            begin(batch)
        } catch {
            failWebSocket(slot, error.status == 413 ? .messageTooBig : .invalidPayload, error.reason)
        }
    }
}
