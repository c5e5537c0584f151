internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes one request from the beginning of `bytes` if it is whole; returns how many bytes it was, or 0.
    func takeRequest(_ bytes: UnsafeRawBufferPointer, for index: UInt32, input: ConnectionInput?) -> Int {
        if let input, let head = input.head { return takeBody(of: head, bytes, for: index, input: input) }
        var scanner = input?.scanner ?? HTTPHeadScanner()
        let span = bytes.bindMemory(to: UInt8.self).span
        switch scanner.scan(span, limits: httpLimits) {
        case .rejected(let rejection):
            reject(index, rejection)
            return bytes.count
        case .incomplete:
            input?.scanner = scanner
            noteRequestBegun(index, isNew: input == nil)
            return 0
        case .complete:
            do throws(HTTPRejection) {
                let head = try HTTPRequestHead(parsing: span, limits: httpLimits)
                metrics.requests.add()
                return takeBody(of: head, bytes, for: index, input: input)
            } catch {
                reject(index, error)
                return bytes.count
            }
        }
    }

    private func noteRequestBegun(_ index: UInt32, isNew: Bool) {
        guard isNew else { return }
        connections[live: index].pointee.lastHeardTick = reactor.currentTick
        timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.requestMilliseconds))
    }

    private func takeBody(
        of head: HTTPRequestHead,
        _ bytes: UnsafeRawBufferPointer,
        for index: UInt32,
        input: ConnectionInput?
    ) -> Int {
        let bodyCount = head.contentLength ?? 0
        if !head.isChunked, bytes.count >= head.headCount + bodyCount {
            let whole = head.headCount + bodyCount
            let body = UnsafeRawBufferPointer(rebasing: bytes[head.headCount..<whole])
            handle(HTTPRequest(head: head, bytes: bytes, body: body), for: index)
            input?.reset()
            return whole
        }
        noteRequestBegun(index, isNew: input == nil)
        let input = input ?? ConnectionInput(held)
        connections[live: index].pointee.input = input
        input.head = head
        if head.expectsContinue, !input.wasContinued {
            input.wasContinued = true
            write(index, UnsafeRawBufferPointer(start: Self.goOn.utf8Start, count: Self.goOn.utf8CodeUnitCount))
        }
        return head.isChunked ? takeChunkedBody(of: head, bytes, for: index, input: input) : 0
    }

    private static let goOn: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// Decodes what is there of a chunked body. The chunks stay in front of the connection's input until the body is
    /// whole; `decodedCount` says how many of those bytes the decoder has seen.
    private func takeChunkedBody(
        of head: HTTPRequestHead,
        _ bytes: UnsafeRawBufferPointer,
        for index: UInt32,
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
                reject(index, HTTPRejection(status: 413, field: "body", reason: "too much around the chunks"))
                return bytes.count
            }
            return 0
        case .rejected(let rejection):
            reject(index, rejection)
            return bytes.count
        case .complete:
            handle(HTTPRequest(head: head, bytes: bytes, body: chunked.body.bytes), for: index)
            input.reset()
            return head.headCount + chunked.decodedCount
        }
    }

    /// A body in chunks of one byte is six times its size on the wire; more than that is not meant well.
    private static func chunkedBytesMax(_ limits: Limits) -> Int { 6 * limits.messageBytesMax + 16_384 }

    // MARK: Answers

    func reject(_ index: UInt32, _ rejection: HTTPRejection) {
        debug(index, "request not understood", ["status": "\(rejection.status)", "reason": "\(rejection.reason)"])
        metrics.rejections.add()
        output.removeAll()
        output.append(rejection: rejection)
        write(index, output.bytes)
        closeWhenSent(index)
    }

    /// Notes how the answer to a request must be sent.
    func beginAnswer(_ request: borrowing HTTPRequest, for index: UInt32) {
        let connection = connections[live: index]
        connection.pointee.flags.subtract([.isHead, .announcesKeepAlive, .endsByClosing])
        if request.head.minorVersion == 0 { connection.pointee.flags.insert(.endsByClosing) }
        answerOrigin = crossOriginFields(request)
        if request.head.method == .head { connection.pointee.flags.insert(.isHead) }
        switch request.head.persistence {
        case .close: connection.pointee.flags.insert(.closesAfterAnswer)
        case .announcedKeepAlive: connection.pointee.flags.insert(.announcesKeepAlive)
        case .keepAlive: break
        }
        if drainDeadlineTick != nil { connection.pointee.flags.insert(.closesAfterAnswer) }
    }

    func persistence(_ index: UInt32) -> HTTPPersistence {
        let flags = connections[live: index].pointee.flags
        if flags.contains(.closesAfterAnswer) { return .close }
        return flags.contains(.announcesKeepAlive) ? .announcedKeepAlive : .keepAlive
    }

    /// Sends what `output` holds as the answer under way and goes on with the next request.
    func finishAnswer(_ index: UInt32) {
        let connection = connections[live: index]
        write(index, output.bytes)
        guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing]) else { return }
        if connection.pointee.flags.contains(.closesAfterAnswer) { return closeWhenSent(index) }
        connection.pointee.lastHeardTick = reactor.currentTick
        // The one that a held poll had is used up.
        let idle = min(limits.keepAliveMilliseconds, limits.heartbeatMilliseconds)
        timers.schedule(index, at: reactor.tick(afterMilliseconds: idle))
        guard connection.pointee.flags.contains(.isAnswering) else { return }
        connection.pointee.flags.remove(.isAnswering)
        if connection.pointee.input != nil || connection.pointee.flags.contains(.isEnded) { goOn(index) }
    }

    /// Answers with a body.
    func answer(
        _ index: UInt32,
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
            persistence: persistence(index),
            includesBody: !connections[live: index].pointee.flags.contains(.isHead)
        ) {
            append(crossOrigin: answerOrigin, to: &$0)
            extraFields(&$0)
        }
        finishAnswer(index)
    }

    /// Answers with an error and says which part of the request it is about.
    func refuse(
        _ index: UInt32,
        status: Int,
        _ message: StaticString,
        field: StaticString? = nil,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        debug(
            index,
            "refused",
            ["status": "\(status)", "reason": "\(message)", "field": "\(field.map { "\($0)" } ?? "")"]
        )
        metrics.rejections.add()
        output.removeAll()
        output.append(
            errorStatus: status,
            message: message,
            field: field,
            persistence: persistence(index),
            includesBody: !connections[live: index].pointee.flags.contains(.isHead)
        ) {
            append(crossOrigin: answerOrigin, to: &$0)
            extraFields(&$0)
        }
        finishAnswer(index)
    }
}
