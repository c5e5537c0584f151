internal import Broker
internal import Reactor
internal import Wire

/// A link that is one answer: a WebSocket, an event stream, a JSON stream.
///
/// Thread: that of its client.
final class StreamLink {
    /// Of a refusal no more is kept than this.
    private static let refusedBytesMax = 65_536

    /// Statuses by which something in between tells a WebSocket that it does not know one.
    private static let unknownUpgradeStatuses: Set<Int> = [400, 404, 405, 426, 500, 501, 502, 504]

    let socket: ClientSocket
    private let plan: LinkPlan
    private let reader: any LinkReader
    private var answer = AnswerReader()
    private var refusedBody: [UInt8] = []

    /// What happens on it.
    enum Event {
        /// Something came, if only a sign of life.
        case sign
        case finding(LinkFinding)
    }

    init(_ plan: LinkPlan, to address: NodeAddress, in space: SocketSpace, messageBytesMax: Int) {
        self.plan = plan
        socket = ClientSocket(to: address, in: space)
        reader =
            switch plan.transport {
            case .webSocket: WebSocketReader(messageBytesMax: messageBytesMax)
            case .eventStream: EventStreamReader(messageBytesMax: messageBytesMax)
            case .jsonStream, .longPoll: JSONStreamReader(messageBytesMax: messageBytesMax)
            }
    }

    /// Connects, and asks as soon as it can.
    func start() -> LinkEnd? {
        if let end = socket.start() { return reason(end) }
        var request = ByteBuffer()
        let key = (reader as? WebSocketReader)?.key ?? ""
        LinkRequest.append(plan, to: socket.address, key: key, output: &request)
        return socket.send(request.bytes).flatMap(reason)
    }

    func lookForAddress() -> LinkEnd? { socket.lookForAddress().flatMap(reason) }

    /// The socket is ready; hands over what comes. Says why the link is over, if it is.
    func ready(_ readiness: Readiness, _ happened: (Event) -> Void) -> LinkEnd? {
        var fault: LinkEnd?
        let end = socket.ready(readiness) { bytes in
            guard fault == nil else { return }
            do throws(PerseidError) {
                try take(bytes, happened, &fault)
            } catch {
                fault = error.isFinal ? .refused(error) : .blocked(error)
            }
        }
        if let fault { return fault }
        if let head = answer.head, isRefused(head), answer.isComplete || end != nil { return refusal(head) }
        if answer.isComplete { return .lost(Self.ended) }
        return end.flatMap(reason)
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer,
        _ happened: (Event) -> Void,
        _ fault: inout LinkEnd?
    ) throws(PerseidError) {
        var closing: PerseidError?
        var isAccepted = answer.head != nil
        try answer.take(bytes) { (head, body) throws(PerseidError) in
            guard !isRefused(head) else {
                refusedBody += body.prefix(Self.refusedBytesMax - refusedBody.count)
                return
            }
            if !isAccepted, let objection = reader.objection(to: head) { throw objection }
            isAccepted = true
            if body.count > 0 { happened(.sign) }
            try reader.take(body) { finding in
                if case .close(let error) = finding { closing = error } else { happened(.finding(finding)) }
            }
        }
        // The body may be long in coming: what it is not going to be is known now.
        if let head = answer.head, !isRefused(head), let objection = reader.objection(to: head) { throw objection }
        if let closing { fault = closing.code >= 4_000 ? .refused(closing) : .lost(Self.ended) }
    }

    /// Whether the answer says no.
    private func isRefused(_ head: AnswerHead) -> Bool { head.status != (plan.transport == .webSocket ? 101 : 200) }

    private func refusal(_ head: AnswerHead) -> LinkEnd {
        let error = PerseidError(head, body: refusedBody)
        if head.status == 204 {
            return .refused(PerseidError(code: 204, message: "the node says that this stream is over", isFinal: true))
        }
        // Neither what was asked for nor a refusal: something answers in the node's place.
        if head.status < 400 { return .blocked(reader.objection(to: head) ?? error) }
        guard plan.transport == .webSocket, Self.unknownUpgradeStatuses.contains(head.status) else {
            return .refused(error)
        }
        // A node says so in JSON; then it is its word.
        return refusedBody.first == UInt8(ascii: "{") ? .refused(error) : .blocked(error)
    }

    private static let ended = PerseidError(message: "the connection ended")

    private func reason(_ end: ClientSocket.End) -> LinkEnd {
        let isBegun = answer.head != nil
        switch end {
        case .failed(let text): return .lost(PerseidError(message: text))
        case .ended where isBegun || !socket.wasConnected: return .lost(Self.ended)
        case .ended: return .blocked(PerseidError(message: "the connection ended without an answer"))
        }
    }

    // MARK: What is said

    /// Bytes that wait to be sent to a node that does not read, at most.
    private static let unsentBytesMax = 1_048_576

    /// Sends a word, where that can be done.
    func say(_ word: ClientWord) -> LinkEnd? { send(WebSocketReader.frame(word)) }

    /// Sends frames.
    func send(_ frames: [UInt8]) -> LinkEnd? {
        guard plan.transport.takesCommands else { return nil }
        // Pings that are not answered must not fill the memory.
        guard socket.unsentByteCount <= Self.unsentBytesMax else {
            return .lost(PerseidError(message: "the node does not read"))
        }
        return frames.withUnsafeBytes { socket.send($0) }.flatMap(reason)
    }

    /// Stops reading, or goes on with it.
    func setPaused(_ isPaused: Bool) -> LinkEnd? { socket.setPaused(isPaused).flatMap(reason) }

    /// Closes it, a WebSocket in order.
    func close() {
        if plan.transport == .webSocket, answer.head?.status == 101 {
            let frame = WebSocketReader.closeFrame
            _ = frame.withUnsafeBytes { socket.send($0) }
        }
        socket.close()
    }
}
