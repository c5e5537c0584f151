internal import Broker
internal import Reactor
internal import Wire

// What event streams and JSON streams have in common: one answer that does not end, one feed for all of its channels.
extension EdgeReactor {
    /// Bytes of padding a client gets that asks for it: past what any known browser or proxy holds back.
    private static let paddingCount = 2_048

    /// Takes a request for a stream.
    func openStream(
        _ request: borrowing HTTPRequest,
        _ index: UInt32,
        as transport: Connection.Transport
    ) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        let padding = try request.parameter("padding")
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isHead) {
            output.removeAll()
            appendStreamHead(transport, makeOpening(request, plan, as: .stream(transport, paddingCount: 0)))
            connection.pointee.flags.insert(.closesAfterAnswer)
            return finishAnswer(index)
        }
        let paddingCount = padding == nil || padding == "false" ? 0 : Self.paddingCount
        open(index, makeOpening(request, plan, as: .stream(transport, paddingCount: paddingCount)))
    }

    /// Begins a stream, whose session, if it asked for one, is there.
    func beginStream(
        _ index: UInt32,
        as transport: Connection.Transport,
        paddingCount: Int,
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)]
    ) {
        let connection = connections[live: index]
        output.removeAll()
        appendStreamHead(transport, opening)
        if opening.plan.isRaw { connection.pointee.flags.insert(.isRaw) }
        become(transport, index)
        connection.pointee.streamTick = reactor.currentTick
        if transport == .eventStream {
            appendEventStreamPrelude(paddingCount)
        } else if paddingCount > 0 {
            appendPaddingLine(paddingCount)
        }
        let encoding = Encoding(transport, isRaw: opening.plan.isRaw)
        if encoding.hasControlMessages { appendWelcome(session: opening.token, as: encoding) }
        // The head does not wait for channels to open: a proxy or a browser that waits for it must not time out.
        cork(index) {
            write(index, output.bytes)
            join(index, channels)
        }
    }

    /// A head with the fields that keep caches and proxies from holding a stream back.
    private func appendStreamHead(_ transport: Connection.Transport, _ opening: Opening) {
        if transport == .eventStream {
            // The end of the body is the end of the connection: understood by HTTP/1.0 proxies, and one encoding for all.
            let type: StaticString = "text/event-stream; charset=utf-8"
            output.append(responseHead: 200, contentType: type, framing: .untilClose, persistence: .close)
        } else {
            let type: StaticString = "application/x-ndjson; charset=utf-8"
            output.append(responseHead: 200, contentType: type, framing: .chunked, persistence: .close)
        }
        output.append(field: "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")
        output.append(field: "Pragma", "no-cache")
        output.append(field: "X-Accel-Buffering", "no")
        output.append(field: "X-Content-Type-Options", "nosniff")
        append(crossOrigin: answerOrigin, to: &output)
        append(fieldsOf: opening, to: &output)
        output.appendHeadEnd()
    }

    /// Tells a stream where each of its channels stands, and what it missed.
    func beginStream(_ index: UInt32, _ join: Join) {
        let connection = connections[live: index]
        let isRaw = connection.pointee.flags.contains(.isRaw)
        let encoding = Encoding(connection.pointee.transport, isRaw: isRaw)
        // Where the client stands. A message moves it in its own channel only: were the stream cut behind the first of
        // several, the others would still be told what they missed.
        var cursor = Cursor()
        for part in join.parts { cursor.positions[part.topic.name] = part.since }
        output.removeAll()
        for part in join.parts {
            cursor.positions[part.topic.name] = part.position
            guard encoding.hasControlMessages else { continue }
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: part.isRecovered,
                commandID: nil,
                cursor: encoding.isJSONStream ? cursor.text : nil,
                as: encoding
            )
        }
        var start = cursor.text
        if encoding.isEventStream {
            start.withUTF8 { EventStreamEncoder.appendCheckpoint(id: UnsafeRawBufferPointer($0), to: &output) }
        }
        write(index, replaying: join)
    }
}
