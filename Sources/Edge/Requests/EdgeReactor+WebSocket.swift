internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Makes a WebSocket of a connection and subscribes it to the channels its query names.
    func openWebSocket(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        if let rejection = WebSocketHandshake.rejection(request) {
            return refuse(exchange, status: rejection.status, rejection.reason, field: rejection.field) {
                $0.append(field: "Sec-WebSocket-Version", "13")
                $0.append(field: "Upgrade", "websocket")
                // What concerns this connection alone is named there (RFC 9110 §7.8).
                $0.append(field: "Connection", "Upgrade")
            }
        }
        guard judgeOrigin(request) != .foreign else {
            return refuse(exchange, status: 403, "pages of this origin may not connect here", field: "Origin")
        }
        let plan = try SubscriptionPlan(request, limits: limits)
        let agreement = WebSocketHandshake.Agreement(request, mayCompress: access.rules.areAnyCompressed)
        open(makeOpening(request, exchange, plan, as: .webSocket(agreement)))
    }

    /// Begins a WebSocket, whose session, if it asked for one, is there.
    func beginWebSocket(
        _ agreement: WebSocketHandshake.Agreement,
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)],
        forbidden: [(name: ChannelName, status: UInt16)]
    ) {
        let slot = opening.exchange.slot
        switchProtocols(agreement, opening)
        connections[live: slot].pointee.streamTick = reactor.currentTick
        if isStranger(slot) {
            timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.authenticateMilliseconds))
        }
        if opening.encoding.hasControlMessages {
            appendWelcome(session: opening.token, as: opening.encoding, to: &output)
        }
        hub.cork(slot.client) {
            write(slot, output.bytes)
            for each in forbidden {
                let message = Self.complaint(of: each.name, status: each.status)
                sendError(slot, id: nil, channel: each.name, code: each.status, message)
            }
            if !channels.isEmpty { hub.join(slot.client, channels, entries: opening.plan.entries) }
        }
    }

    private static func complaint(of channel: ChannelName, status: UInt16) -> String {
        switch status {
        case 403: "channel: \(channel) is not allowed"
        case 404: "channel: \(noPresence)"
        default: "channel: \(channel) cannot be had now: the backend did not answer"
        }
    }

    /// The same for a client whose token is not taken.
    func refuseWebSocket(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ code: ByeCode
    ) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        let agreement = WebSocketHandshake.Agreement(request, mayCompress: access.rules.areAnyCompressed)
        let opening = Opening(
            use: .webSocket(agreement),
            plan: plan,
            exchange: exchange,
            offersCookie: false,
            token: nil
        )
        refuseWebSocket(agreement, opening, code)
    }

    /// Makes a WebSocket only to say why it cannot be: a browser does not tell its page any other answer.
    func refuseWebSocket(
        _ agreement: WebSocketHandshake.Agreement,
        _ opening: Opening,
        _ code: ByeCode
    ) {
        let slot = opening.exchange.slot
        switchProtocols(agreement, opening)
        write(slot, output.bytes)
        let after = code.mayReconnect ? drawReconnectMilliseconds() : 0
        hub.sayBye(slot.client, code, afterMilliseconds: after)
    }

    /// Leaves the answer to the handshake in `output`.
    private func switchProtocols(_ agreement: WebSocketHandshake.Agreement, _ opening: Opening) {
        let slot = opening.exchange.slot
        let connection = connections[live: slot]
        output.removeAll()
        WebSocketHandshake.appendAnswer(agreement, to: &output) { append(fieldsOf: opening, to: &$0) }
        connection.pointee.answer.remove(.isAwaited)
        connection.pointee.decoder = WebSocketDecoder(
            role: .server,
            messageBytesMax: limits.messageBytesMax,
            allowsCompression: agreement.deflate != nil
        )
        become(opening.encoding, slot)
        connection.pointee.client.pace = opening.plan.pace
    }

    // MARK: Frames

    /// Takes the frame, or the fragments, that `bytes` begins with; returns how many bytes they were, or 0.
    func takeFrame(_ bytes: UnsafeMutableRawBufferPointer, for slot: Slot) -> Int {
        let connection = connections[live: slot]
        var consumed = 0
        let event = nextEvent(in: bytes, consumed: &consumed, for: slot)
        if case .needMore = event { return consumed }
        // Only what is whole is a sign of life: bytes that trickle in are none.
        connection.pointee.lastHeardTick = reactor.currentTick
        connection.pointee.traffic.remove(.isPinged)
        take(event, for: slot)
        releaseFragments(slot)
        return consumed
    }

    /// Decodes on, and counts what a message in fragments holds by then.
    func nextEvent(
        in bytes: UnsafeMutableRawBufferPointer,
        consumed: inout Int,
        for slot: Slot
    ) -> WebSocketDecoder.Event {
        let connection = connections[live: slot]
        hub.held.inputBytes -= connection.pointee.decoder.heldBytes
        defer { hub.held.inputBytes += connection.pointee.decoder.heldBytes }
        return connection.pointee.decoder.next(in: bytes, consumed: &consumed)
    }

    /// Gives back the memory of a message that came in fragments, once it is taken or its client is gone.
    func releaseFragments(_ slot: Slot) {
        let connection = connections[live: slot]
        hub.held.inputBytes -= connection.pointee.decoder.heldBytes
        connection.pointee.decoder.releaseDelivered(isOver: connection.pointee.isClosed)
        hub.held.inputBytes += connection.pointee.decoder.heldBytes
    }

    private func take(_ event: WebSocketDecoder.Event, for slot: Slot) {
        switch event {
        case .needMore: break
        case .text(let message): takeCommands(message, for: slot)
        case .binary: takeBinary(for: slot)
        case .compressed(let opcode, let payload): takeCompressed(opcode, payload, for: slot)
        case .ping(let payload):
            output.removeAll()
            WebSocketEncoder.appendPong(payload, to: &output)
            write(slot, output.bytes)
        case .pong(let payload): hub.confirm(slot.client, payload)
        case .close(let code, _):
            hub.leaveAll(slot.client, .clean)
            closeWebSocket(slot, code == .noStatusReceived ? .normal : code, "")
        case .failure(let failure): failWebSocket(slot, failure.closeCode, failure.reason)
        }
    }

    func takeBinary(for slot: Slot) {
        failWebSocket(slot, .unsupportedData, "commands are text; bytes are published as data64")
    }

    /// Closes a WebSocket for what its client sent.
    func failWebSocket(_ slot: Slot, _ code: WebSocketCloseCode, _ reason: StaticString) {
        metrics.rejections.add()
        metrics.failures(with: code)?.add()
        closeWebSocket(slot, code, reason)
    }

    private func closeWebSocket(_ slot: Slot, _ code: WebSocketCloseCode, _ reason: StaticString) {
        debug(slot, "WebSocket closed", ["code": "\(code.rawValue)", "reason": "\(reason)"])
        let connection = connections[live: slot]
        hub.finishFrame(slot.client)
        if !connection.pointee.traffic.contains(.sentClose) {
            connection.pointee.traffic.insert(.sentClose)
            output.removeAll()
            WebSocketEncoder.appendClose(code, reason: literal(reason), to: &output)
            write(slot, output.bytes)
        }
        closeWhenSent(slot)
    }

    // MARK: Commands

    func takeCommands(_ message: UnsafeRawBufferPointer, for slot: Slot) {
        if let socket = bayeuxSockets[connections.key(ofLive: slot)] { return takeBayeux(message, from: socket) }
        guard let dialect = connections[live: slot].pointee.client.encoding?.dialect.dialect else { return }
        do throws(ClientCommandError) {
            let ranges = try dialect.commands(message, limits.commandsPerMessageMax)
            takeCommands(ranges[...], of: message, for: slot)
        } catch {
            sendError(slot, id: nil, code: 400, error.message)
        }
    }

    /// Takes commands of a message, as many as the client's budget is enough for; the others wait in front of its next message.
    private func takeCommands(_ ranges: ArraySlice<Range<Int>>, of message: UnsafeRawBufferPointer, for slot: Slot) {
        var rest = ranges
        while let range = rest.popFirst() {
            guard connections[live: slot].pointee.isOpen else { return }
            takeCommand(UnsafeRawBufferPointer(rebasing: message[range]), for: slot)
            guard let next = rest.first, !mayGoOn(slot) else { continue }
            let connection = connections[live: slot]
            guard connection.pointee.isOpen else { return }
            let input = connection.pointee.input ?? ConnectionInput(hub.held)
            input.commands = UnfinishedCommands(rest, of: message, from: next.lowerBound)
            connection.pointee.input = input
            return
        }
    }

    private func takeCommand(_ bytes: UnsafeRawBufferPointer, for slot: Slot) {
        guard let dialect = connections[live: slot].pointee.client.encoding?.dialect.dialect else { return }
        do throws(ClientCommandError) {
            take(try dialect.command(bytes), of: bytes, for: slot)
        } catch {
            sendError(slot, id: error.id.map { Array(bytes[$0]) }, code: 400, error.message)
        }
    }

    /// Goes on with the commands of a message that had to wait; says whether none are left.
    func finishCommands(of input: ConnectionInput, for slot: Slot) -> Bool {
        guard let commands = input.commands else { return true }
        input.commands = nil
        guard mayGoOn(slot) else {
            input.commands = commands
            return false
        }
        commands.bytes.withUnsafeBytes { bytes in
            hub.cork(slot.client) { takeCommands(commands.ranges, of: bytes, for: slot) }
        }
        return input.commands == nil
    }

    private func take(_ command: ClientCommand, of message: UnsafeRawBufferPointer, for slot: Slot) {
        let id = command.id.map { Array(message[$0]) }
        if command.kind == .ping { return hub.send(.pong(id: id), to: slot.client) }
        if let token = command.token { return authenticate(slot, token: token, id: id) }
        guard let channel = ChannelName(command.channel) else {
            return sendError(slot, id: id, code: 400, "channel: not a channel name")
        }
        switch command.kind {
        case .subscribe: subscribe(slot, to: channel, since: command.since, maxRate: command.maxRate, id: id)
        case .unsubscribe: unsubscribe(slot, from: channel, id: id)
        case .publish:
            // The parser has refused one without.
            guard let data = command.data else { return assertionFailure("a publish has data") }
            publish(data, of: message, key: command.key, to: channel, slot, id: id)
        case .presence:
            let asker = Asker.command(connections.key(ofLive: slot), id: id, byteCount: presenceBytesMax)
            guard mayAskPresence(slot, credentials(of: slot), for: asker) else { return }
            allow(.presence, channel, slot, id: id) { $0.askPresence(asker, of: channel) }
        case .call: call(command.data, of: message, channel, slot, id: id)
        case .authenticate, .ping: break
        }
    }

    private func subscribe(_ slot: Slot, to channel: ChannelName, since: String?, maxRate: String?, id: [UInt8]?) {
        let connection = connections[live: slot]
        var position: Position?
        if let since {
            position = Position(since)
            if position == nil { return sendError(slot, id: id, channel: channel, code: 400, "since: not a position") }
        }
        var pace: Pace?
        if let maxRate {
            guard let rate = MaxRate(maxRate) else {
                return sendError(slot, id: id, channel: channel, code: 400, "max-rate: \(MaxRate.form)")
            }
            pace = Pace(rate)
        }
        // bounded: two bytes each
        let count = Int(connection.pointee.client.subscriptionCount) + Int(connection.pointee.client.joinCount)
        guard count < limits.channelsPerConnectionMax else {
            return sendError(
                slot,
                id: id,
                channel: channel,
                code: 400,
                "channel: no more than \(limits.channelsPerConnectionMax)"
            )
        }
        if channel.hasMisplacedWildcard {
            return sendError(
                slot,
                id: id,
                channel: channel,
                code: 400,
                "channel: only the last segment may be a wildcard"
            )
        }
        if channel.isPattern, hub.patternCount(of: slot.client) >= limits.patternsPerConnectionMax {
            let most = limits.patternsPerConnectionMax
            return sendError(slot, id: id, channel: channel, code: 400, "channel: no more than \(most) patterns")
        }
        guard !hub.isSubscribed(slot.client, to: channel) else {
            return sendError(slot, id: id, channel: channel, code: 409, "channel: already subscribed")
        }
        if let wait = waitToSubscribe(1, slot, credentials(of: slot)) {
            return sendError(slot, id: id, channel: channel, code: 429, "too many subscribes", retryMilliseconds: wait)
        }
        let (since, asked) = (position, pace)
        allow(.subscribe, channel, slot, id: id) { edge in
            guard !edge.isSilent(channel) else {
                return edge.sendError(slot, id: id, channel: channel, code: 404, "channel: \(Self.noPresence)")
            }
            // A backend that was asked takes its time, and the server API may have subscribed it meanwhile.
            guard !edge.hub.isSubscribed(slot.client, to: channel) else {
                return edge.sendError(slot, id: id, channel: channel, code: 409, "channel: already subscribed")
            }
            edge.countChannelChange(slot)
            edge.hub.join(slot.client, [(channel, since)], commandID: id, pace: asked)
        }
    }

    private func unsubscribe(_ slot: Slot, from channel: ChannelName, id: [UInt8]?) {
        guard hub.unsubscribe(slot.client, from: channel) else {
            return sendError(slot, id: id, code: 404, "channel: not subscribed")
        }
        countChannelChange(slot)
        hub.send(.unsubscribed(id: id, channel: channel.text), to: slot.client)
    }
}
