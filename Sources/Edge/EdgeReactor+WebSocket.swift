internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Makes a WebSocket of a connection and subscribes it to the channels its query names.
    func openWebSocket(_ request: borrowing HTTPRequest, _ index: UInt32) throws(HTTPRejection) {
        if let rejection = WebSocketHandshake.rejection(request) {
            return refuse(index, status: rejection.status, rejection.reason, field: rejection.field) {
                $0.append(field: "Sec-WebSocket-Version", "13")
                $0.append(field: "Upgrade", "websocket")
            }
        }
        guard judgeOrigin(request) != .foreign else {
            return refuse(index, status: 403, "pages of this origin may not connect here", field: "Origin")
        }
        let plan = try SubscriptionPlan(request, limits: limits)
        let agreement = WebSocketHandshake.Agreement(request)
        open(
            index,
            makeOpening(request, plan, as: .webSocket(agreement, mayPublish: mayPublish(request)))
        )
    }

    /// Begins a WebSocket, whose session, if it asked for one, is there.
    func beginWebSocket(
        _ index: UInt32,
        _ agreement: WebSocketHandshake.Agreement,
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)]
    ) {
        switchProtocols(index, agreement, opening)
        if !opening.plan.isRaw { appendWelcome(session: opening.token, as: .webSocketJSON, to: &output) }
        cork(index) {
            write(index, output.bytes)
            if !channels.isEmpty { join(index, channels) }
        }
    }

    /// Makes a WebSocket only to say why it cannot be: a browser does not tell its page any other answer.
    func refuseWebSocket(
        _ index: UInt32,
        _ agreement: WebSocketHandshake.Agreement,
        _ opening: Opening,
        _ code: ByeCode
    ) {
        switchProtocols(index, agreement, opening)
        write(index, output.bytes)
        let after = code.mayReconnect ? UInt64.random(in: reconnectMilliseconds, using: &spread) : 0
        sayBye(index, code, afterMilliseconds: after)
    }

    /// Leaves the answer to the handshake in `output`.
    private func switchProtocols(_ index: UInt32, _ agreement: WebSocketHandshake.Agreement, _ opening: Opening) {
        let connection = connections[live: index]
        output.removeAll()
        WebSocketHandshake.appendAnswer(agreement, to: &output) { append(fieldsOf: opening, to: &$0) }
        connection.pointee.flags.remove(.isAnswering)
        if opening.plan.isRaw { connection.pointee.flags.insert(.isRaw) }
        connection.pointee.decoder = WebSocketDecoder(role: .server, messageBytesMax: limits.messageBytesMax)
        become(.webSocket, index)
    }

    /// Changes what a connection speaks, and starts its heartbeats, each at a moment of its own.
    func become(_ transport: Connection.Transport, _ index: UInt32) {
        let connection = connections[live: index]
        count(connection.pointee.transport, -1)
        count(transport, 1)
        connection.pointee.transport = transport
        let half = limits.heartbeatMilliseconds / 2
        let first = limits.heartbeatMilliseconds - UInt64.random(in: 0...half, using: &spread)
        timers.schedule(index, at: reactor.tick(afterMilliseconds: first))
    }

    func appendWelcome(session: SessionToken?, as encoding: Encoding, to buffer: inout ByteBuffer) {
        encoder.appendControl("welcome", as: encoding, to: &buffer) {
            Envelope.appendWelcome(
                session: session?.text,
                node: configuration.nodeID,
                heartbeatSeconds: limits.heartbeatMilliseconds / 1_000,
                to: &$0
            )
        }
    }

    // MARK: Frames

    /// Takes the frame, or the fragments, that `bytes` begins with; returns how many bytes they were, or 0.
    func takeFrame(_ bytes: UnsafeMutableRawBufferPointer, for index: UInt32) -> Int {
        let connection = connections[live: index]
        var consumed = 0
        let heldBefore = connection.pointee.decoder.heldBytes
        let event = connection.pointee.decoder.next(in: bytes, consumed: &consumed)
        held.inputBytes += connection.pointee.decoder.heldBytes - heldBefore
        if case .needMore = event { return consumed }
        // Only what is whole is a sign of life: bytes that trickle in are none.
        connection.pointee.lastHeardTick = reactor.currentTick
        connection.pointee.flags.remove(.isPinged)
        take(event, for: index)
        releaseFragments(index)
        return consumed
    }

    /// Gives back the memory of a message that came in fragments, once it is taken or its client is gone.
    func releaseFragments(_ index: UInt32) {
        let connection = connections[live: index]
        held.inputBytes -= connection.pointee.decoder.heldBytes
        connection.pointee.decoder.releaseDelivered(isOver: connection.pointee.flags.contains(.isClosed))
        held.inputBytes += connection.pointee.decoder.heldBytes
    }

    private func take(_ event: WebSocketDecoder.Event, for index: UInt32) {
        switch event {
        case .needMore: break
        case .text(let message): takeCommand(message, for: index)
        case .binary:
            closeWebSocket(index, .unsupportedData, "commands are text")
        case .compressed:
            closeWebSocket(index, .protocolError, "compression was not agreed on")
        case .ping(let payload):
            output.removeAll()
            WebSocketEncoder.appendPong(payload, to: &output)
            write(index, output.bytes)
        case .pong(let payload): confirm(index, payload)
        case .close(let code, _):
            leaveAll(index, .clean)
            closeWebSocket(index, code == .noStatusReceived ? .normal : code, "")
        case .failure(let failure):
            metrics.rejections.add()
            closeWebSocket(index, failure.closeCode, failure.reason)
        }
    }

    private func closeWebSocket(_ index: UInt32, _ code: WebSocketCloseCode, _ reason: StaticString) {
        debug(index, "WebSocket closed", ["code": "\(code.rawValue)", "reason": "\(reason)"])
        let connection = connections[live: index]
        finishFrame(index)
        if !connection.pointee.flags.contains(.sentClose) {
            connection.pointee.flags.insert(.sentClose)
            output.removeAll()
            WebSocketEncoder.appendClose(code, reason: literal(reason), to: &output)
            write(index, output.bytes)
        }
        closeWhenSent(index)
    }

    // MARK: Commands

    private func takeCommand(_ message: UnsafeRawBufferPointer, for index: UInt32) {
        do throws(ClientCommandError) {
            let command = try ClientCommand(message)
            let id = command.id.map { Array(message[$0]) }
            if command.kind == .ping { return answerPing(index, id: id) }
            guard let channel = ChannelName(command.channel) else {
                return sendError(index, id: id, code: 400, "channel: not a channel name")
            }
            switch command.kind {
            case .subscribe: subscribe(index, to: channel, since: command.since, id: id)
            case .unsubscribe: unsubscribe(index, from: channel, id: id)
            case .publish:
                // The parser has refused one without `data`.
                let data = command.data ?? 0..<0
                publish(index, to: channel, UnsafeRawBufferPointer(rebasing: message[data]), id: id)
            case .presence: askPresence(index, of: channel, id: id)
            case .ping: break
            }
        } catch {
            sendError(index, id: error.id.map { Array(message[$0]) }, code: 400, error.message)
        }
    }

    func sendError(_ index: UInt32, id: [UInt8]?, code: UInt16, _ message: String) {
        debug(index, "command refused", ["code": "\(code)", "reason": "\(message)"])
        metrics.rejections.add()
        sendControl(index, "error") { buffer in
            withOptionalBytes(id) { Envelope.appendError(id: $0, code: code, message: message, to: &buffer) }
        }
    }

    /// Sends one control message; a raw WebSocket carries payloads and nothing else, so it is told nothing.
    func sendControl(_ index: UInt32, _ name: StaticString, _ append: (inout ByteBuffer) -> Void) {
        guard !connections[live: index].pointee.flags.contains(.isRaw) else { return }
        output.removeAll()
        encoder.appendControl(name, as: .webSocketJSON, to: &output, append)
        write(index, output.bytes)
    }

    private func answerPing(_ index: UInt32, id: [UInt8]?) {
        sendControl(index, "pong") { buffer in
            withOptionalBytes(id) { Envelope.appendPong(id: $0, to: &buffer) }
        }
    }

    private func subscribe(_ index: UInt32, to channel: ChannelName, since: String?, id: [UInt8]?) {
        let connection = connections[live: index]
        var position: Position?
        if let since {
            position = Position(since)
            if position == nil { return sendError(index, id: id, code: 400, "since: not a position") }
        }
        let count = Int(connection.pointee.subscriptionCount) + Int(connection.pointee.joinCount)
        guard count < limits.channelsPerConnectionMax else {
            return sendError(index, id: id, code: 400, "channel: no more than \(limits.channelsPerConnectionMax)")
        }
        let key = connections.key(ofLive: index)
        let isJoining = topics[channel]?.joins[key] != nil
        guard !isJoining, !isSubscribed(index, to: channel) else {
            return sendError(index, id: id, code: 409, "channel: already subscribed")
        }
        countChannelChange(index)
        join(index, [(channel, position)], commandID: id)
    }

    private func unsubscribe(_ index: UInt32, from channel: ChannelName, id: [UInt8]?) {
        guard unsubscribe(index, from: channel) || cancelJoin(index, of: channel) else {
            return sendError(index, id: id, code: 404, "channel: not subscribed")
        }
        countChannelChange(index)
        forgetSubscription(index, to: channel)
        sendControl(index, "unsubscribed") { buffer in
            channel.withUTF8 { name in
                withOptionalBytes(id) { Envelope.appendUnsubscribed(id: $0, channel: name, to: &buffer) }
            }
        }
    }

    private func publish(_ index: UInt32, to channel: ChannelName, _ data: UnsafeRawBufferPointer, id: [UInt8]?) {
        guard connections[live: index].pointee.flags.contains(.mayPublish) else {
            return sendError(index, id: id, code: 401, "a valid API key is needed")
        }
        guard !channel.isSystem else {
            return sendError(index, id: id, code: 403, "channel: only the system publishes here")
        }
        guard let payload = Payload(published: data, asJSON: true) else {
            return sendError(index, id: id, code: 400, "data: not valid JSON")
        }
        metrics.publishes.add()
        beginCommand(index, byteCount: payload.bytes.count)
        let waiter = Waiting.command(
            connections.key(ofLive: index),
            channel,
            id: id,
            byteCount: payload.bytes.count
        )
        ask(waiter) {
            .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: nil))
        }
    }

    func tellPublished(
        _ index: UInt32,
        _ channel: ChannelName,
        id: [UInt8]?,
        _ outcome: Result<Position, BackplaneFailure>
    ) {
        guard connections[live: index].pointee.flags.isDisjoint(with: [.isClosed, .isClosing]) else { return }
        guard case .success(let position) = outcome else {
            metrics.publishesRefused.add()
            return sendError(index, id: id, code: 503, "the backplane is away")
        }
        sendControl(index, "published") { buffer in
            channel.withUTF8 { name in
                withOptionalBytes(id) {
                    Envelope.appendPublished(id: $0, channel: name, position: position.numbers, to: &buffer)
                }
            }
        }
    }
}
