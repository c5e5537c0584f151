internal import Broker
internal import DequeModule
internal import Hub
internal import Wire

/// A body of publications on its way in, one in a line, and the answers on their way out, one in a line and in the same order.
///
/// Thread: owned by one reactor. It holds one line that is not whole, and an answer for each line that the backplane was asked
/// about; how many those are is its client's budget.
final class PublicationLines {
    /// How the end of the body is told.
    enum Framing {
        case chunked(HTTPChunkedDecoder)
        /// Bytes that are left.
        case counted(Int)
    }

    /// What is found in the body.
    enum Piece {
        case line(UnsafeRawBufferPointer)
        /// A line of more bytes than one may have; it was passed over.
        case tooLong
        case end
        /// The body is none: where it ends is unknown.
        case malformed(HTTPRejection)
    }

    /// The request whose body it is.
    let exchange: Exchange

    /// Whether no more lines are taken.
    private(set) var isEnded = false

    /// Whether that is so before the end of the body: the rest of it is not looked at.
    private var isStopped = false

    /// The head of the answer, while it must not be sent: a client that waits to be told to go on with its body takes it for the
    /// whole answer, and sends none.
    var unsentHead: [UInt8]?

    /// Whether it stands among those that have answers to be sent.
    var isAnswered = false

    private let lineBytesMax: Int
    private let held: HeldMemory
    private var framing: Framing

    /// The beginning of a line whose end did not come yet.
    private var line = ByteBuffer()
    private var isPassingOver = false

    /// Lines that a backend is asked about, and those behind them.
    var heldLines = Deque<HeldLine>()

    /// One of them.
    final class HeldLine {
        let asker: Asker.Line
        let channel: ChannelName
        let payload: Payload
        let idempotencyKey: String?
        /// What the backend said.
        var outcome: HookOutcome?

        init(_ asker: Asker.Line, _ channel: ChannelName, _ payload: Payload, idempotencyKey: String?) {
            self.asker = asker
            self.channel = channel
            self.payload = payload
            self.idempotencyKey = idempotencyKey
        }
    }

    /// Answers that were not sent, by their lines' numbers; `nil` where one is waited for.
    private var answers = Deque<[UInt8]?>()
    private var firstNumber = 0

    init(_ exchange: Exchange, _ framing: Framing, lineBytesMax: Int, held: HeldMemory) {
        self.exchange = exchange
        self.framing = framing
        self.lineBytesMax = lineBytesMax
        self.held = held
    }

    deinit { held.inputBytes -= heldBytes }

    private var heldBytes = 0

    /// Whether a line has begun and not ended.
    var isMidLine: Bool { !line.isEmpty || isPassingOver }

    private func settle() {
        // Who has sent whole lines holds nothing, however long the next one takes (invariant I4).
        if line.isEmpty, line.capacity > 0 { line = ByteBuffer() }
        held.inputBytes += line.capacity - heldBytes
        heldBytes = line.capacity
    }

    // MARK: In

    /// Takes bytes of the body and hands over what is found; returns how many bytes it was.
    func take(_ bytes: UnsafeRawBufferPointer, _ found: (Piece) -> Void) -> Int {
        assert(!isEnded, "nothing is taken behind the end")
        defer { settle() }
        switch framing {
        case .counted(let left):
            let own = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
            framing = .counted(left - own.count)
            split(own, found)
            if isStopped { return bytes.count }
            if own.count == left { endBody(found) }
            return own.count
        case .chunked(var decoder):
            var decoded = ByteBuffer()
            let span = bytes.bindMemory(to: UInt8.self).span
            let (consumed, outcome) = decoder.decode(span, into: &decoded, limits: Self.endless)
            framing = .chunked(decoder)
            split(decoded.bytes, found)
            if isStopped { return bytes.count }
            switch outcome {
            case .incomplete: break
            case .complete: endBody(found)
            case .rejected(let rejection):
                isEnded = true
                found(.malformed(rejection))
            }
            return consumed
        }
    }

    /// The body may go on for ever: its lines have a limit.
    private static let endless: HTTPLimits = {
        var limits = HTTPLimits()
        limits.bodyBytes = .max
        return limits
    }()

    private func split(_ bytes: UnsafeRawBufferPointer, _ found: (Piece) -> Void) {
        var start = 0
        while start < bytes.count, !isStopped {
            guard let lineEnd = LineScan.lineFeed(in: bytes, from: start) else {
                return keep(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            }
            end(UnsafeRawBufferPointer(rebasing: bytes[start..<lineEnd]), found)
            start = lineEnd + 1
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        if line.count + bytes.count > lineBytesMax { isPassingOver = true }
        if isPassingOver { line.removeAll() } else { line.append(bytes) }
    }

    /// A line ends with these bytes.
    private func end(_ bytes: UnsafeRawBufferPointer, _ found: (Piece) -> Void) {
        if line.isEmpty, !isPassingOver, bytes.count <= lineBytesMax { return found(.line(bytes)) }
        keep(bytes)
        found(isPassingOver ? .tooLong : .line(line.bytes))
        line.removeAll()
        isPassingOver = false
    }

    /// The last line may do without its line break.
    private func endBody(_ found: (Piece) -> Void) {
        isEnded = true
        if isMidLine { end(UnsafeRawBufferPointer(start: nil, count: 0), found) }
        found(.end)
    }

    /// Takes no more lines; one that is not whole is forgotten.
    func stop() {
        (isEnded, isStopped) = (true, true)
        line.removeAll()
        settle()
    }

    // MARK: Out

    /// Notes that a line is to be answered; returns its number.
    func expectAnswer() -> Int {
        answers.append(nil)
        return firstNumber + answers.count - 1
    }

    /// Takes the answer to a line.
    func answer(_ number: Int, _ bytes: UnsafeRawBufferPointer) {
        let place = number - firstNumber
        assert(answers.indices.contains(place) && answers[place] == nil, "each line is answered once")
        if answers.indices.contains(place) { answers[place] = Array(bytes) }
    }

    /// Appends the answers that come next, each as a line.
    func takeAnswers(to output: inout ByteBuffer) {
        while case .some(.some(let answer)) = answers.first {
            output.append(answer)
            output.append("\n")
            answers.removeFirst()  // bounded: a deque's first
            firstNumber += 1
        }
    }

    /// Whether all that was asked is answered, and nothing more will be asked.
    var isFinished: Bool { isEnded && answers.isEmpty }
}
