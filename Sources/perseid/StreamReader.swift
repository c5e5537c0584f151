import Reactor
import Wire

/// Reads the answer to a request for an event stream and prints its messages.
struct StreamReader: ~Copyable {
    /// The node answered with something else than a stream.
    struct Refused: Error {
        let body: String
    }

    private let showsCursor: Bool
    private let countMax: Int?
    private var count = 0
    private var head: [UInt8]? = []
    private var rest: [UInt8] = []
    private var chunks: HTTPChunkedDecoder?
    private var decoder = EventStreamDecoder()
    private var retryMilliseconds: UInt64 = 1_000

    /// Where the last message stands.
    private(set) var cursor: String

    /// Whether a stream was ever open.
    private(set) var wasConnected = false

    init(showsCursor: Bool, countMax: Int?, cursor: String) {
        self.showsCursor = showsCursor
        self.countMax = countMax
        self.cursor = cursor
    }

    var isDone: Bool { countMax.map { count >= $0 } ?? false }

    /// Takes bytes of the answer; says whether more are wanted.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        if head != nil {
            head! += bytes
            guard let end = HTTPAnswer.endOfHead(head!) else { return true }
            let body = Array(head![end...])
            guard head!.starts(with: Array("HTTP/1.1 200".utf8)) else {
                throw Refused(body: String(decoding: body, as: UTF8.self))
            }
            let fields = String(decoding: head![..<end], as: UTF8.self).lowercased()
            chunks = fields.contains("\r\ntransfer-encoding: chunked\r\n") ? HTTPChunkedDecoder() : nil
            head = nil
            wasConnected = true
            rest = []
            body.withUnsafeBytes { takeBody($0) }
        } else {
            takeBody(bytes)
        }
        takeEvents()
        return !isDone
    }

    /// Waits as long as the node asked for.
    mutating func prepareToReconnect() {
        guard !isDone else { return }
        head = []
        rest = []
        decoder.reset()
        guard let poller = try? Poller() else { return }
        poller.wait(milliseconds: Int32(retryMilliseconds)) { _, _ in }
    }

    /// Takes the chunks' content, or all where there are none. What is no chunk ends what can be read.
    private mutating func takeBody(_ bytes: UnsafeRawBufferPointer) {
        var content = ByteBuffer()
        let span = bytes.bindMemory(to: UInt8.self).span
        if chunks?.decode(span, into: &content, limits: Self.endless) == nil { content.append(bytes) }
        rest += content.bytes
    }

    private static var endless: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyBytes = .max
        return limits
    }

    private mutating func takeEvents() {
        var consumed = 0
        var isWaiting = false
        while !isWaiting, !isDone {
            rest.withUnsafeBytes { bytes in
                switch decoder.next(in: bytes, consumed: &consumed) {
                case .needMore, .tooBig: isWaiting = true
                case .retry(let milliseconds): retryMilliseconds = milliseconds
                case .event(let name, let data): print(name, data)
                }
            }
        }
        rest.removeFirst(consumed)
        cursor = String(decoding: decoder.lastEventID, as: UTF8.self)
    }

    private mutating func print(_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) {
        let name = String(decoding: name, as: UTF8.self)
        guard name.isEmpty || name == "message" || name == "gap" else { return }
        let text = String(decoding: data, as: UTF8.self)
        let cursor = String(decoding: decoder.lastEventID, as: UTF8.self)
        Swift.print(showsCursor ? "\(text)\t\(cursor)" : text)
        StandardOutput.flush()
        count += 1
    }
}
