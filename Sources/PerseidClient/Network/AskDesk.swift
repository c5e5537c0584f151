internal import Reactor
internal import Wire

/// Asks nodes by HTTP, one after the other until one answers, and keeps a connection or two for the next question.
///
/// Every question may be asked twice: who publishes names each publication. Thread: that of its client.
final class AskDesk {
    /// Connections that are kept without a question.
    private static let idleMax = 2

    private let space: SocketSpace
    private let openMilliseconds: UInt64
    private let answerBytesMax: Int
    private var asks: [UInt64: Ask] = [:]
    private var idle: [ClientSocket] = []
    private var lastID: UInt64 = 0

    init(_ space: SocketSpace, openMilliseconds: UInt64, answerBytesMax: Int) {
        self.space = space
        self.openMilliseconds = openMilliseconds
        self.answerBytesMax = answerBytesMax
    }

    /// Asks; `complete` is called once, later or at once, unless the question is forgotten. Returns what it is forgotten by.
    @discardableResult
    func ask(
        _ addresses: [NodeAddress],
        milliseconds: UInt64,
        request: @escaping (NodeAddress, inout ByteBuffer) -> Void,
        complete: @escaping (AskOutcome) -> Void
    ) -> UInt64 {
        lastID += 1
        let ask = Ask(addresses, end: space.now &+ milliseconds, request: request, complete: complete)
        asks[lastID] = ask
        next(ask, lastID)
        return lastID
    }

    /// Forgets a question.
    func forget(_ id: UInt64) {
        asks.removeValue(forKey: id)?.socket?.close()
    }

    /// Closes everything; questions fail.
    func close() {
        for (id, ask) in asks { finish(ask, id, .failure(AskFailure(error: .closed, body: []))) }
        for socket in idle { socket.close() }
        idle = []
    }

    // MARK: What happens

    /// A socket is ready; says whether it is one of these.
    func ready(_ token: UInt64, _ readiness: Readiness) -> Bool {
        if let (id, ask) = asks.first(where: { $0.value.socket?.token == token }) {
            receive(ask, id, readiness)
            return true
        }
        guard let place = idle.firstIndex(where: { $0.token == token }) else { return false }
        // Whatever comes without a question, the connection is of no use any more.
        idle.remove(at: place).close()
        return true
    }

    /// When something is to be done without anything having happened.
    var deadline: UInt64? { asks.values.map(\.deadline).min() }

    /// Whether some socket waits for an address.
    var isResolving: Bool { asks.values.contains { $0.socket?.isResolving ?? false } }

    /// Gives up what took too long, and looks for addresses.
    func timeIsUp(now: UInt64) {
        for (id, ask) in asks {
            if let socket = ask.socket, socket.isResolving, let end = socket.lookForAddress() { fail(ask, id, end) }
            guard asks[id] != nil, ask.deadline <= now else { continue }
            ask.error = PerseidError(message: "no answer in time")
            ask.drop()
            if ask.end <= now { finish(ask, id, .failure(ask.failure)) } else { next(ask, id) }
        }
    }

    // MARK: One question

    /// Turns to the next address, with a connection that is kept or with a new one.
    private func next(_ ask: Ask, _ id: UInt64) {
        while let address = ask.addresses.first {
            if let place = idle.firstIndex(where: { $0.address == address }) {
                ask.begin(on: idle.remove(at: place), isKept: true, openEnd: ask.end)
            } else {
                ask.addresses.removeFirst()  // bounded: a few addresses, each tried once
                ask.begin(
                    on: ClientSocket(to: address, in: space),
                    isKept: false,
                    openEnd: space.now &+ openMilliseconds
                )
                if let end = ask.socket?.start() {
                    ask.note(end)
                    continue
                }
            }
            guard let end = ask.send() else { return }
            ask.note(end)
        }
        finish(ask, id, .failure(ask.failure))
    }

    private func receive(_ ask: Ask, _ id: UInt64, _ readiness: Readiness) {
        var fault: PerseidError?
        let end = ask.socket?.ready(readiness) { bytes in
            guard fault == nil else { return }
            do throws(PerseidError) { try ask.take(bytes, bytesMax: answerBytesMax) } catch { fault = error }
        }
        if let fault {
            ask.error = fault
            ask.drop()
            return fault.code == PerseidError.tooBigCode ? finish(ask, id, .failure(ask.failure)) : next(ask, id)
        }
        if let answer = ask.answer(isEnded: end != nil) { return finish(ask, id, .success(answer)) }
        if ask.socket?.wasConnected ?? false { ask.openEnd = ask.end }
        if let end { fail(ask, id, end) }
    }

    private func fail(_ ask: Ask, _ id: UInt64, _ end: ClientSocket.End) {
        ask.note(end)
        next(ask, id)
    }

    private func finish(_ ask: Ask, _ id: UInt64, _ outcome: AskOutcome) {
        asks[id] = nil
        let socket = ask.takeSocket()
        if case .success(let answer) = outcome, answer.head.keepsConnection, ask.isReusable, idle.count < Self.idleMax,
            let socket
        {
            idle.append(socket)
        } else {
            socket?.close()
        }
        ask.complete(outcome)
    }
}

/// What came of a question.
typealias AskOutcome = Result<AskAnswer, AskFailure>

/// An answer, whatever its status.
struct AskAnswer {
    let head: AnswerHead
    let body: [UInt8]
}

/// No answer; of one that broke off, its beginning.
struct AskFailure: Error {
    let error: PerseidError
    let body: [UInt8]
}

/// One question, until it is answered.
private final class Ask {
    /// Those that were not tried yet.
    var addresses: [NodeAddress]
    let end: UInt64
    let complete: (AskOutcome) -> Void
    var error = PerseidError(message: "there is no address")
    var openEnd: UInt64 = 0
    private let request: (NodeAddress, inout ByteBuffer) -> Void
    private(set) var socket: ClientSocket?
    private var isKept = false
    private var reader = AnswerReader()
    private var body: [UInt8] = []

    init(
        _ addresses: [NodeAddress],
        end: UInt64,
        request: @escaping (NodeAddress, inout ByteBuffer) -> Void,
        complete: @escaping (AskOutcome) -> Void
    ) {
        self.addresses = addresses
        self.end = end
        self.request = request
        self.complete = complete
    }

    var deadline: UInt64 { min(end, openEnd) }

    var failure: AskFailure { AskFailure(error: error, body: body) }

    /// Whether the connection may be asked again: nothing follows the answer.
    var isReusable: Bool { reader.isComplete && !reader.endsWithConnection }

    func begin(on socket: ClientSocket, isKept: Bool, openEnd: UInt64) {
        self.socket = socket
        self.isKept = isKept
        self.openEnd = openEnd
        reader = AnswerReader()
        body = []
    }

    func send() -> ClientSocket.End? {
        guard let socket else { return nil }
        var output = ByteBuffer()
        request(socket.address, &output)
        return socket.send(output.bytes)
    }

    func take(_ bytes: UnsafeRawBufferPointer, bytesMax: Int) throws(PerseidError) {
        try reader.take(bytes) { (_, bytes) throws(PerseidError) in
            guard body.count + bytes.count <= bytesMax else { throw .tooBig(bytesMax) }
            body += bytes
        }
    }

    /// The answer, once it is whole.
    func answer(isEnded: Bool) -> AskAnswer? {
        guard let head = reader.head, reader.isComplete || isEnded && reader.endsWithConnection else { return nil }
        return AskAnswer(head: head, body: body)
    }

    /// The socket ended before the answer was whole. A connection that was kept may have been closed by the node meanwhile: then its
    /// address has not been tried.
    func note(_ end: ClientSocket.End) {
        switch end {
        case .failed(let reason): error = PerseidError(message: reason)
        case .ended: error = PerseidError(message: "the connection ended without an answer")
        }
        drop()
    }

    func drop() {
        takeSocket()?.close()
    }

    func takeSocket() -> ClientSocket? {
        defer { socket = nil }
        return socket
    }
}
