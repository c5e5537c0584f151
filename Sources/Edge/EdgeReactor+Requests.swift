internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes one request from the beginning of `bytes` if it is whole; returns how many bytes it was, or 0.
    func takeRequest(_ bytes: UnsafeRawBufferPointer, for slot: Slot, input: ConnectionInput?) -> Int {
        if let input, let head = input.head { return takeBody(of: head, bytes, for: slot, input: input) }
        var scanner = input?.scanner ?? HTTPHeadScanner()
        let span = bytes.bindMemory(to: UInt8.self).span
        switch scanner.scan(span, limits: httpLimits) {
        case .rejected(let rejection):
            reject(slot, rejection)
            return bytes.count
        case .incomplete:
            input?.scanner = scanner
            noteRequestBegun(slot, isNew: input == nil)
            return 0
        case .complete:
            do throws(HTTPRejection) {
                let head = try HTTPRequestHead(parsing: span, limits: httpLimits)
                metrics.requests.add()
                return takeBody(of: head, bytes, for: slot, input: input)
            } catch {
                reject(slot, error)
                return bytes.count
            }
        }
    }

    private func noteRequestBegun(_ slot: Slot, isNew: Bool) {
        guard isNew else { return }
        connections[live: slot].pointee.lastHeardTick = reactor.currentTick
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.requestMilliseconds))
    }

    private func takeBody(
        of head: HTTPRequestHead,
        _ bytes: UnsafeRawBufferPointer,
        for slot: Slot,
        input: ConnectionInput?
    ) -> Int {
        let bodyCount = head.contentLength ?? 0
        if !head.isChunked, bytes.count >= head.headCount + bodyCount {
            let whole = head.headCount + bodyCount
            let body = UnsafeRawBufferPointer(rebasing: bytes[head.headCount..<whole])
            handle(HTTPRequest(head: head, bytes: bytes, body: body), for: slot)
            input?.reset()
            return whole
        }
        noteRequestBegun(slot, isNew: input == nil)
        let input = input ?? ConnectionInput(held)
        connections[live: slot].pointee.input = input
        input.head = head
        if head.expectsContinue, !input.wasContinued {
            input.wasContinued = true
            write(slot, UnsafeRawBufferPointer(start: Self.goOn.utf8Start, count: Self.goOn.utf8CodeUnitCount))
        }
        return head.isChunked ? takeChunkedBody(of: head, bytes, for: slot, input: input) : 0
    }

    private static let goOn: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// Decodes what is there of a chunked body. The chunks stay in front of the connection's input until the body is
    /// whole; `decodedCount` says how many of those bytes the decoder has seen.
    private func takeChunkedBody(
        of head: HTTPRequestHead,
        _ bytes: UnsafeRawBufferPointer,
        for slot: Slot,
        input: ConnectionInput
    ) -> Int {
        let chunked = input.chunked ?? ConnectionInput.ChunkedBody()
        input.chunked = chunked
        let start = head.headCount + chunked.decodedCount
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...]).bindMemory(to: UInt8.self).span
        let (consumed, outcome) = chunked.decoder.decode(rest, into: &chunked.body, limits: httpLimits)
        chunked.decodedCount += consumed
        switch outcome {
        case .incomplete:
            guard chunked.decodedCount <= Self.chunkedBytesMax(limits) else {
                reject(slot, HTTPRejection(status: 413, field: "body", reason: "too much around the chunks"))
                return bytes.count
            }
            return 0
        case .rejected(let rejection):
            reject(slot, rejection)
            return bytes.count
        case .complete:
            handle(HTTPRequest(head: head, bytes: bytes, body: chunked.body.bytes), for: slot)
            input.reset()
            return head.headCount + chunked.decodedCount
        }
    }

    /// A body in chunks of one byte is six times its size on the wire; more than that is not meant well.
    private static func chunkedBytesMax(_ limits: Limits) -> Int { 6 * limits.messageBytesMax + 16_384 }

    // MARK: Answers

    func reject(_ slot: Slot, _ rejection: HTTPRejection) {
        debug(slot, "request not understood", ["status": "\(rejection.status)", "reason": "\(rejection.reason)"])
        metrics.rejections.add()
        output.removeAll()
        output.append(rejection: rejection)
        write(slot, output.bytes)
        closeWhenSent(slot)
    }

    /// Notes how the answer to a request must be sent.
    func beginAnswer(_ request: borrowing HTTPRequest, for slot: Slot) {
        let connection = connections[live: slot]
        connection.pointee.answer.subtract(.perRequest)
        if request.head.minorVersion == 0 { connection.pointee.answer.insert(.endsByClosing) }
        answerOrigin = crossOriginFields(request)
        if request.head.method == .head { connection.pointee.answer.insert(.hasNoBody) }
        switch request.head.persistence {
        case .close: connection.pointee.answer.insert(.isLast)
        case .announcedKeepAlive: connection.pointee.answer.insert(.announcesKeepAlive)
        case .keepAlive: break
        }
        if drainDeadlineTick != nil { connection.pointee.answer.insert(.isLast) }
    }

    func persistence(_ slot: Slot) -> HTTPPersistence {
        let answer = connections[live: slot].pointee.answer
        if answer.contains(.isLast) { return .close }
        return answer.contains(.announcesKeepAlive) ? .announcedKeepAlive : .keepAlive
    }

    /// Sends what `output` holds as the answer under way and goes on with the next request.
    func finishAnswer(_ slot: Slot) {
        let connection = connections[live: slot]
        write(slot, output.bytes)
        guard connection.pointee.isOpen else { return }
        if connection.pointee.answer.contains(.isLast) { return closeWhenSent(slot) }
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
        _ slot: Slot,
        status: Int = 200,
        contentType: StaticString?,
        _ body: UnsafeRawBufferPointer,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        output.removeAll()
        output.append(
            status: status,
            contentType: contentType,
            body: body,
            persistence: persistence(slot),
            includesBody: !connections[live: slot].pointee.answer.contains(.hasNoBody)
        ) {
            append(crossOrigin: answerOrigin, to: &$0)
            extraFields(&$0)
        }
        finishAnswer(slot)
    }

    /// Answers with an error and says which part of the request it is about.
    func refuse(
        _ slot: Slot,
        status: Int,
        _ message: StaticString,
        field: StaticString? = nil,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        debug(
            slot,
            "refused",
            ["status": "\(status)", "reason": "\(message)", "field": "\(field.map { "\($0)" } ?? "")"]
        )
        metrics.rejections.add()
        output.removeAll()
        output.append(
            errorStatus: status,
            message: message,
            field: field,
            persistence: persistence(slot),
            includesBody: !connections[live: slot].pointee.answer.contains(.hasNoBody)
        ) {
            append(crossOrigin: answerOrigin, to: &$0)
            extraFields(&$0)
        }
        finishAnswer(slot)
    }
}
