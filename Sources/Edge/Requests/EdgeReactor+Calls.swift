internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// Service channels: what is sent there is asked of the backend, and its answer goes to who asked. Nothing is published.
extension EdgeReactor {
    /// `POST /calls/<name>`
    func call(_ request: borrowing HTTPRequest, _ exchange: Exchange, _ channel: ChannelName) {
        guard isFromHere(request, exchange), isPlain(request, exchange),
            mayCall(exchange.slot, exchange.credentials, for: .exchange(exchange))
        else { return }
        let isJSON = request.field(.contentType, begins: "application/json")
        var data: Payload?
        if request.body.count > 0 {
            data = Payload(published: request.body, asJSON: isJSON)
            if data == nil { return refuse(exchange, status: 400, "not valid JSON", field: "body") }
        }
        call(channel, data, exchange.slot, exchange.credentials, for: .exchange(exchange))
    }

    /// The command of a WebSocket. Its client says what it asks by `id`: answers come as they come.
    func call(
        _ data: PublishedData?,
        of message: UnsafeRawBufferPointer,
        _ channel: ChannelName,
        _ slot: Slot,
        id: [UInt8]?
    ) {
        let who = credentials(of: slot)
        guard mayCall(slot, who, for: .command(connections.key(ofLive: slot), id: id, byteCount: 0)) else { return }
        let payload = data.flatMap { Payload($0, of: message) }
        let byteCount = payload?.bytes.count ?? 0
        let asker = Asker.command(connections.key(ofLive: slot), id: id, byteCount: byteCount)
        call(channel, payload, slot, who, for: asker)
    }

    private func mayCall(_ slot: Slot, _ who: Credentials, for asker: @autoclosure () -> Asker) -> Bool {
        mayHave(.call, slot, who, for: asker(), orSay: "too many calls")
    }

    private func call(_ channel: ChannelName, _ data: Payload?, _ slot: Slot, _ who: Credentials, for asker: Asker) {
        guard access.hooks.contains(.call), !channel.isSystem, !channel.isPattern else {
            return refuse(asker, status: 404, "no service is there", field: "channel")
        }
        // Where a backend is to say who may, it says so with its answer.
        guard judge(.call, channel, who) != .refused else {
            return refuse(asker, status: 403, "not allowed", field: "channel")
        }
        begin(asker)
        ask(.call, makeCall(channel, data, slot, who)) { edge, outcome in
            guard edge.end(asker) else { return }
            edge.answerCall(channel, outcome, for: asker)
        }
    }

    func makeCall(_ channel: ChannelName, _ data: Payload?, _ slot: Slot, _ who: Credentials, transport: String? = nil)
        -> HookBody
    {
        var body = makeBody(.call, slot, who, transport: transport)
        body.add("channel", channel.text)
        if let data { body.add(data) }
        return body
    }

    private func answerCall(_ channel: ChannelName, _ outcome: HookOutcome, for asker: Asker) {
        switch (outcome, asker) {
        case (.failed, _): refuse(asker, hookStatus: 503)
        case (.refused(let refusal), .exchange(let exchange)):
            metrics.rejections.add()
            content.removeAll()
            AnswerBody.appendError(
                status: Int(refusal.code),  // bounded: 16 bits
                message: refusal.message,
                field: nil,
                to: &content
            )
            // bounded: 16 bits
            answer(exchange, status: Int(refusal.code), contentType: "application/json", content.bytes)
        case (.refused(let refusal), .command(let key, let id, _)):
            sendError(key.slot, id: id, code: refusal.code, refusal.message)
        case (.allowed(let said), .exchange(let exchange)):
            answer(
                exchange,
                json: { body in channel.withUTF8 { AnswerBody.appendResult(channel: $0, data: said.json, to: &body) } }
            )
        case (.allowed(let said), .command(let key, let id, _)):
            hub.send(.result(id: id, channel: channel.text, data: said.json), to: key.slot.client)
        case (_, .line), (_, .bayeux): assertionFailure("these ask in ways of their own")
        }
    }
}

extension HookAnswer {
    /// What a service answers; nothing is said by `null`.
    var json: [UInt8] { data?.bytes ?? Array("null".utf8) }
}
