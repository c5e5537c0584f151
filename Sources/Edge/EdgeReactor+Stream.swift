internal import Broker
internal import Reactor
internal import Wire

// What event streams and JSON streams have in common: one answer that does not end, one feed for all of its channels.
extension EdgeReactor {
    /// Bytes of padding a client gets that asks for it: past what any known browser or proxy holds back.
    private static let paddingCount = 2_048

    /// Answers a request with a stream. `appendPrelude` writes what stands before the first message.
    func openStream(
        _ request: borrowing HTTPRequest,
        _ index: UInt32,
        as transport: Connection.Transport,
        _ contentType: StaticString,
        _ framing: HTTPBodyFraming,
        appendPrelude: (_ paddingCount: Int) -> Void
    ) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        guard !plan.channels.isEmpty else {
            throw HTTPRejection(status: 400, field: "channel", reason: "at least one is needed")
        }
        let padding = try request.parameter("padding")
        output.removeAll()
        appendStreamHead(contentType, framing)
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isHead) {
            connection.pointee.flags.insert(.closesAfterAnswer)
            return finishAnswer(index)
        }
        if plan.isRaw { connection.pointee.flags.insert(.isRaw) }
        become(transport, index)
        connection.pointee.streamTick = reactor.currentTick
        appendPrelude(padding == nil || padding == "false" ? 0 : Self.paddingCount)
        let encoding = Encoding(transport, isRaw: plan.isRaw)
        if encoding.hasControlMessages { appendWelcome(as: encoding) }
        // The head does not wait for channels to open: a proxy or a browser that waits for it must not time out.
        cork(index) {
            write(index, output.bytes)
            join(index, plan.channels)
        }
    }

    /// A head with the fields that keep caches and proxies from holding a stream back.
    private func appendStreamHead(_ contentType: StaticString, _ framing: HTTPBodyFraming) {
        output.append(responseHead: 200, contentType: contentType, framing: framing, persistence: .close)
        output.append(field: "Cache-Control", "no-store, no-cache, no-transform, must-revalidate, max-age=0")
        output.append(field: "Pragma", "no-cache")
        output.append(field: "X-Accel-Buffering", "no")
        output.append(field: "X-Content-Type-Options", "nosniff")
        append(crossOrigin: answerOrigin, to: &output)
        output.appendHeadEnd()
    }

    /// Tells a stream where each of its channels stands, and what it missed.
    func beginStream(_ index: UInt32, _ join: Join) {
        let connection = connections[live: index]
        let isRaw = connection.pointee.flags.contains(.isRaw)
        let encoding = Encoding(connection.pointee.transport, isRaw: isRaw)
        var cursor = Cursor()
        for part in join.parts { cursor.positions[part.topic.name] = part.position }
        output.removeAll()
        var start = cursor.text
        for part in join.parts where encoding.hasControlMessages {
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: part.isRecovered,
                commandID: nil,
                cursor: encoding.isJSONStream ? start : nil,
                as: encoding
            )
        }
        if encoding.isEventStream {
            start.withUTF8 { EventStreamEncoder.appendCheckpoint(id: UnsafeRawBufferPointer($0), to: &output) }
        }
        for part in join.parts {
            for publication in part.replay {
                cursor.positions[part.topic.name] = publication.position
                encoder.append(
                    publication.payload,
                    position: publication.position,
                    channel: part.topic.name,
                    cursor: cursor.text,
                    as: encoding,
                    to: &output
                )
            }
            metrics.deliveries.add(part.replay.count)
        }
        write(index, output.bytes)
    }
}
