internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

// Many publications in one body, each answered while more come. What is answered and not read, and what the backplane was asked
// and has not answered, keeps the next lines from being read: a publisher that is too fast waits in its own `send`.
extension EdgeReactor {
    /// Lines that are taken between two looks at the clock and at the client's budget, which is not exceeded by more. A chunk's
    /// head counts as one, for it ends like one.
    private static let pieceLinesMax = 16

    /// Bytes that are: less than a slice of a turn is enough for.
    private static let pieceBytesMax = 16_384

    /// `POST /publish`: answers the head at once and takes the body as it comes.
    func beginPublishing(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        guard mayPublishHere(request, exchange) else { return }
        let slot = exchange.slot
        let head = request.head
        let connection = connections[live: slot]
        let input = connection.pointee.input ?? ConnectionInput(hub.held)
        input.lines = PublicationLines(
            exchange,
            head.isChunked ? .chunked(HTTPChunkedDecoder()) : .counted(head.contentLength ?? 0),
            // A payload is at its longest as base64, and has something around it.
            lineBytesMax: 2 * limits.messageBytesMax,
            held: hub.held
        )
        connection.pointee.input = input
        // It is known where the next request begins.
        if head.persistence != .close, drainDeadlineTick == nil { connection.pointee.answer.remove(.isLast) }
        connection.pointee.lastHeardTick = reactor.currentTick
        output.removeAll()
        let framing: HTTPBodyFraming = exchange.form.contains(.endsByClosing) ? .untilClose : .chunked
        let type: StaticString = "application/x-ndjson; charset=utf-8"
        output.append(responseHead: 200, contentType: type, framing: framing, persistence: persistence(exchange))
        output.append(field: "Cache-Control", "no-store, no-transform")
        output.append(field: "X-Accel-Buffering", "no")
        append(fieldsOf: exchange, to: &output)
        output.appendHeadEnd()
        if head.expectsContinue {
            input.lines?.unsentHead = Array(output.bytes)
            write(slot, literal(Self.goOn))
        } else {
            write(slot, output.bytes)
        }
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.heartbeatMilliseconds))
        if !head.isChunked, head.contentLength ?? 0 == 0, connection.pointee.isOpen, let body = input.lines {
            _ = takeLines(UnsafeRawBufferPointer(start: nil, count: 0), of: body, for: slot)
        }
    }

    /// Takes some bytes of a body; returns how many they were.
    func takeLines(_ bytes: UnsafeRawBufferPointer, of body: PublicationLines, for slot: Slot) -> Int {
        connections[live: slot].pointee.lastHeardTick = reactor.currentTick
        sendHead(of: body)
        // Behind an end that is ours the rest of the body is not looked at.
        if body.isEnded { return bytes.count }
        let some = LineScan.beginning(of: bytes, lineCountMax: Self.pieceLinesMax, byteCountMax: Self.pieceBytesMax)
        return body.take(some) { piece in
            switch piece {
            case .line(let line): publish(line, of: body)
            case .tooLong:
                let line = Asker.Line(body: body, number: body.expectAnswer(), id: nil, byteCount: 0)
                refuse(line, status: 413, "the line is too long", field: nil)
            case .end:
                holdRequests(behind: body.exchange)
                sendAnswersLater(body)
            case .malformed(let rejection):
                connections[live: slot].pointee.answer.insert(.isLast)
                end(body, slot, status: rejection.status, rejection.reason)
            }
        }
    }

    private func publish(_ line: UnsafeRawBufferPointer, of body: PublicationLines) {
        // An empty line asks for nothing, and keeps the connection from looking dead.
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
        // The head said who publishes, and that may be long ago.
        guard let who = present(body.exchange.credentials) else {
            connections[live: body.exchange.slot].pointee.answer.insert(.isLast)
            return end(body, body.exchange.slot, status: 401, "the token or the key is not taken any more")
        }
        let number = body.expectAnswer()
        if let wait = waitToPublish(line.count, body.exchange.slot, who) {
            let id = try? PublicationLine(line).id.map { Array(line[$0]) }
            let asker = Asker.Line(body: body, number: number, id: id, byteCount: 0)
            return refuse(asker, status: 429, "too many publishes", field: nil, retryMilliseconds: wait)
        }
        do throws(ClientCommandError) {
            let parsed = try PublicationLine(line)
            let name = parsed.key.flatMap { PublicationKey($0) }
            let payload = Payload(parsed.data, of: line)?.with(name)
            let asker = Asker.Line(
                body: body,
                number: number,
                id: parsed.id.map { Array(line[$0]) },
                byteCount: payload?.bytes.count ?? 0
            )
            guard let channel = ChannelName(parsed.channel) else {
                return refuse(asker, status: 400, "not a channel name", field: "channel")
            }
            if parsed.key != nil, name == nil {
                return refuse(asker, status: 400, "\(PublicationKey.form)", field: "key")
            }
            guard payload.map({ $0.bytes.count <= limits.messageBytesMax }) ?? true else {
                return refuse(asker, status: 413, "the payload is too long", field: parsed.data.field)
            }
            let decision = judge(.publish, channel, who)
            if decision == .refused { return refusePublish(.line(asker)) }
            guard decision == .hook || !body.heldLines.isEmpty else {
                return publish(
                    payload,
                    in: parsed.data.field,
                    to: channel,
                    idempotencyKey: parsed.once,
                    for: .line(asker)
                )
            }
            guard let payload = publishable(payload, in: parsed.data.field, to: channel, for: .line(asker)) else {
                return
            }
            let line = PublicationLines.HeldLine(asker, channel, payload, idempotencyKey: parsed.once)
            hold(line, of: who, isAsked: decision == .hook)
        } catch {
            let asker = Asker.Line(body: body, number: number, id: error.id.map { Array(line[$0]) }, byteCount: 0)
            refuse(asker, status: 400, error.message, field: error.field.map(\.name))
        }
    }

    /// Keeps a line until a backend has said what it thinks of it, and of those before it: publications of one body have the order of
    /// its lines. Several are asked about at once, as many as the client's budget is enough for.
    private func hold(_ line: PublicationLines.HeldLine, of who: Credentials, isAsked: Bool) {
        let body = line.asker.body
        begin(.line(line.asker))
        body.heldLines.append(line)
        guard isAsked else {
            line.outcome = .allowed(HookAnswer())
            return
        }
        askToPublish(line.payload, to: line.channel, body.exchange.slot, who) { edge, outcome in
            line.outcome = outcome
            edge.publishHeldLines(of: body)
        }
    }

    private func publishHeldLines(of body: PublicationLines) {
        while let line = body.heldLines.first, let outcome = line.outcome {
            body.heldLines.removeFirst()  // bounded: a deque's first
            guard end(.line(line.asker)) else { continue }
            publish(
                outcome,
                line.payload,
                to: line.channel,
                idempotencyKey: line.idempotencyKey,
                for: .line(line.asker)
            )
        }
    }

    private func sendHead(of body: PublicationLines) {
        guard let head = body.unsentHead else { return }
        body.unsentHead = nil
        head.withUnsafeBytes { write(body.exchange.slot, $0) }
    }

    // MARK: Answers

    /// Whether the answers to a body are still waited for.
    func isTaken(_ body: PublicationLines) -> Bool {
        guard let connection = connections.pointer(to: body.exchange.connection), connection.pointee.isOpen else {
            return false
        }
        return connection.pointee.input?.lines === body
    }

    func answer(_ line: Asker.Line, _ channel: ChannelName, at position: Position) {
        content.removeAll()
        channel.withUTF8 {
            AnswerBody.appendPublished(channel: $0, position: position.numbers, id: line.id, to: &content)
        }
        line.body.answer(line.number, content.bytes)
        sendAnswersLater(line.body)
    }

    func refuse(
        _ line: Asker.Line,
        status: Int,
        _ message: String,
        field: StaticString?,
        retryMilliseconds: UInt64? = nil
    ) {
        guard isTaken(line.body) else { return }
        metrics.rejections.add()
        content.removeAll()
        AnswerBody.appendError(
            status: status,
            message: message,
            field: field,
            retryMilliseconds: retryMilliseconds,
            id: line.id,
            to: &content
        )
        line.body.answer(line.number, content.bytes)
        sendAnswersLater(line.body)
    }

    private func sendAnswersLater(_ body: PublicationLines) {
        guard !body.isAnswered else { return }
        body.isAnswered = true
        answeredBodies.append(body)
    }

    /// Sends the answers that came in this turn, those of one body in one piece, and ends those that are finished.
    func sendAnswers() {
        while let body = answeredBodies.popFirst() {
            body.isAnswered = false
            guard isTaken(body) else { continue }
            sendHead(of: body)
            guard isTaken(body) else { continue }
            content.removeAll()
            body.takeAnswers(to: &content)
            output.removeAll()
            append(body: content.bytes, of: body.exchange, to: &output)
            guard body.isFinished else {
                write(body.exchange.slot, output.bytes)
                continue
            }
            if !body.exchange.form.contains(.endsByClosing) { output.append(HTTPChunkedEncoder.end) }
            connections[live: body.exchange.slot].pointee.input?.reset()
            finish(body.exchange)
        }
    }

    private func append(body bytes: UnsafeRawBufferPointer, of exchange: Exchange, to output: inout ByteBuffer) {
        guard bytes.count > 0 else { return }
        if exchange.form.contains(.endsByClosing) {
            output.append(bytes)
        } else {
            HTTPChunkedEncoder.append(bytes, to: &output)
        }
    }

    // MARK: Ends and silence

    /// Takes no more lines of a body, and says why behind the answers to those that were taken; then the connection ends.
    func end(_ body: PublicationLines, _ slot: Slot, status: Int, _ message: StaticString) {
        body.stop()
        holdRequests(behind: body.exchange)
        let line = Asker.Line(body: body, number: body.expectAnswer(), id: nil, byteCount: 0)
        refuse(line, status: status, "\(message)", field: nil)
    }

    /// Sends an empty line where nothing else was sent, so that no proxy takes the connection for dead.
    func keepAlive(_ body: PublicationLines, _ slot: Slot, _ tick: Tick) {
        let silence = tick.milliseconds(since: connections[live: slot].pointee.lastSentTick)
        guard silence >= limits.heartbeatMilliseconds else {
            let left = limits.heartbeatMilliseconds - silence
            return timers.schedule(slot, at: reactor.tick(afterMilliseconds: left))
        }
        guard body.unsentHead == nil else { return }
        output.removeAll()
        append(body: literal("\n"), of: body.exchange, to: &output)
        write(slot, output.bytes)
    }
}
