internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes one request from the beginning of `bytes` if it is whole; returns how many bytes it was, or 0.
    func takeRequest(_ bytes: UnsafeRawBufferPointer, for slot: Slot, input: ConnectionInput?) -> Int {
        shown = nil
        if let body = input?.lines { return takeLines(bytes, of: body, for: slot) }
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
                return takeHead(head, bytes, for: slot, input: input)
            } catch {
                reject(slot, error)
                return bytes.count
            }
        }
    }

    /// Goes on with a request whose head is whole.
    private func takeHead(
        _ head: HTTPRequestHead,
        _ bytes: UnsafeRawBufferPointer,
        for slot: Slot,
        input: ConnectionInput?
    ) -> Int {
        let request = HTTPRequest(head: head, bytes: bytes, body: UnsafeRawBufferPointer(start: nil, count: 0))
        if let rejection = noteForwarded(request, slot) {
            guard isForEventSource(request) else { return reject(request, rejection, for: slot) }
            connections[live: slot].pointee.answer.insert(.isLast)
            putOff(beginExchange(request, slot), .tooOften, rejection.reason, nil)
            return bytes.count
        }
        guard isIdentified(request, slot) else { return 0 }
        metrics.requests.add()
        if takesOpenBody(request) { return beginOpenBody(of: request, for: slot) }
        do throws(HTTPRejection) {
            try head.checkLength(limits: httpLimits)
        } catch {
            return reject(request, error, for: slot)
        }
        return takeBody(of: head, bytes, for: slot, input: input)
    }

    func noteRequestBegun(_ slot: Slot, isNew: Bool) {
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
        let input = input ?? ConnectionInput(hub.held)
        connections[live: slot].pointee.input = input
        input.head = head
        if head.expectsContinue, !input.wasContinued {
            input.wasContinued = true
            write(slot, UnsafeRawBufferPointer(start: Self.goOn.utf8Start, count: Self.goOn.utf8CodeUnitCount))
        }
        return head.isChunked ? takeChunkedBody(of: head, bytes, for: slot, input: input) : 0
    }

    static let goOn: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// Whether a request is for what takes its body while it is still being sent.
    private func takesOpenBody(_ request: borrowing HTTPRequest) -> Bool {
        guard request.head.method == .post else { return false }
        for path in Route.openBodyPaths where request.isPath(path) { return true }
        return false
    }

    /// Begins to take a body as it comes; returns the bytes of the head, or all of them where it is refused: nobody knows then
    /// where the next request begins.
    private func beginOpenBody(of request: borrowing HTTPRequest, for slot: Slot) -> Int {
        let connection = connections[live: slot]
        connection.pointee.answer.insert(.isLast)
        handle(request, for: slot)
        let isTaken = connection.pointee.isOpen && connection.pointee.input?.lines != nil
        return isTaken ? request.head.headCount : request.bytes.count
    }

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
            return reject(HTTPRequest(head: head, bytes: bytes, body: chunked.body.bytes), rejection, for: slot)
        case .complete:
            handle(HTTPRequest(head: head, bytes: bytes, body: chunked.body.bytes), for: slot)
            input.reset()
            return head.headCount + chunked.decodedCount
        }
    }

    /// A body in chunks of one byte is six times its size on the wire; more than that is not meant well.
    private static func chunkedBytesMax(_ limits: Limits) -> Int { 6 * limits.messageBytesMax + 16_384 }

    /// Refuses a request whose head was understood, so that the page that asks can read why if it may read answers.
    private func reject(_ request: borrowing HTTPRequest, _ rejection: HTTPRejection, for slot: Slot) -> Int {
        let origin = crossOriginFields(request)
        reject(slot, rejection) { append(crossOrigin: origin, to: &$0) }
        return request.bytes.count
    }

    func reject(
        _ slot: Slot,
        _ rejection: HTTPRejection,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        debug(slot, "request not understood", ["status": "\(rejection.status)", "reason": "\(rejection.reason)"])
        metrics.rejections.add()
        output.removeAll()
        output.append(rejection: rejection) {
            appendDate(to: &$0)
            if rejection.status == 429 { $0.append(field: "Retry-After", 1) }
            extraFields(&$0)
        }
        write(slot, output.bytes)
        closeWhenSent(slot)
    }
}
