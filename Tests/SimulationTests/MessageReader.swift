import Broker
import Hub
import TestInflater
import Wire

/// Cuts what a socket brought into messages, as a client of a carrier does.
struct MessageReader: ~Copyable {
    /// A message, and where its client stands once it has it, if that is told.
    typealias Told = (message: Message, cursor: String?)

    private let carrier: CarrierID
    private var bytes: [UInt8] = []
    private var taken = 0
    private var events = EventStreamDecoder()

    /// What it can inflate, and what does that.
    private let form: Encoding.Form
    private var inflater: StreamInflater?
    /// The first bytes of a stream that may be compressed, until these are enough to tell.
    private var beginning: [UInt8]?

    init(_ carrier: CarrierID, _ form: Encoding.Form) {
        self.carrier = carrier
        self.form = form
        if case .body = form { beginning = [] }
        if form == .deflated { inflater = StreamInflater(.deflate(windowBits: 13)) }
    }

    mutating func append(_ news: [UInt8]) throws(BrokenMessage) {
        bytes.removeFirst(taken)
        taken = 0
        guard let first = beginning else { return bytes += try inflated(news) }
        let all = first + news
        beginning = all.count < 2 ? all : nil
        guard all.count >= 2 else { return }
        if case .body(let coding) = form, all.starts(with: coding.header.prefix(2)) {
            inflater = StreamInflater(coding == .gzip ? .gzip : .zlib)
        }
        bytes += try inflated(all)
    }

    private func inflated(_ news: [UInt8]) throws(BrokenMessage) -> [UInt8] {
        guard carrier != .webSocket, let inflater else { return news }
        guard let inflated = inflater.inflate(news) else { throw BrokenMessage() }
        return inflated
    }

    /// A message of a WebSocket, by itself or with those before it; what keeps little keeps 256 bytes.
    private func inflated(message: ArraySlice<UInt8>) throws(BrokenMessage) -> [UInt8] {
        let inflater = self.inflater ?? StreamInflater(.deflate(windowBits: form == .deflatedNarrow ? 8 : 13))
        guard let inflated = inflater.inflate(message: Array(message)) else { throw BrokenMessage() }
        return inflated
    }

    /// The next whole message.
    mutating func next() throws(BrokenMessage) -> Told? {
        switch carrier {
        case .webSocket: try nextFrame()
        case .eventStream: try nextEvent()
        case .multipart: try nextPart()
        case .frame: try nextLine().map { (line) throws(BrokenMessage) in try told(try Self.argument(of: line)) }
        default: try nextLine().map { (line) throws(BrokenMessage) in try told(line) }
        }
    }

    /// The next whole line that is not empty.
    mutating func nextLine() -> ArraySlice<UInt8>? {
        while let end = bytes[taken...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[taken..<end]
            taken = end + 1
            if !line.isEmpty { return line }
        }
        return nil
    }

    private func told(_ line: some Collection<UInt8>) throws(BrokenMessage) -> Told {
        let json = try JSON(line)
        return (try Message(json), json["cursor"]?.text)
    }

    /// What a forever frame's script hands to its page. Nothing that is told here needs another escape than quotes do.
    private static func argument(of line: ArraySlice<UInt8>) throws(BrokenMessage) -> [UInt8] {
        let (before, behind) = (Array("<script>p(\"".utf8), Array("\")</script>".utf8))
        guard line.starts(with: before), line.count >= before.count + behind.count,
            line.suffix(behind.count).elementsEqual(behind)
        else { throw BrokenMessage() }
        return line.dropFirst(before.count).dropLast(behind.count).filter { $0 != UInt8(ascii: "\\") }
    }

    /// A part, once the delimiter behind it is there.
    private mutating func nextPart() throws(BrokenMessage) -> Told? {
        let separator = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes[taken...].firstRange(of: separator) else { return nil }
        var fields: [Substring: Substring] = [:]
        for line in String(decoding: bytes[taken..<headEnd.lowerBound], as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ": ", maxSplits: 1)
            fields[parts[0]] = parts.last
        }
        guard let count = fields["Content-Length"].flatMap({ Int($0) }) else { throw BrokenMessage() }
        let bodyEnd = headEnd.upperBound + count
        let delimiter = Array("\r\n--".utf8)
        guard bytes.count >= bodyEnd + delimiter.count,
            let end = bytes[(bodyEnd + delimiter.count)...].firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        guard bytes[bodyEnd...].starts(with: delimiter) else { throw BrokenMessage() }
        let told = try told(bytes[headEnd.upperBound..<bodyEnd])
        guard told.cursor == fields["Perseid-Cursor"].map(String.init) else { throw BrokenMessage() }
        taken = end + 1
        return told
    }

    /// RFC 6455 §5.2: what a server sends is not masked.
    private mutating func nextFrame() throws(BrokenMessage) -> Told? {
        while bytes.count - taken >= 2 {
            let (first, short) = (bytes[taken], Int(bytes[taken + 1]))
            guard short < 127, first & 0x70 == 0 || first == 0xC1 else { throw BrokenMessage() }
            let headCount = short == 126 ? 4 : 2
            guard bytes.count - taken >= headCount else { return nil }
            let count = short == 126 ? Int(bytes[taken + 2]) << 8 | Int(bytes[taken + 3]) : short
            guard bytes.count - taken >= headCount + count else { return nil }
            let payload = bytes[(taken + headCount)..<(taken + headCount + count)]
            taken += headCount + count
            switch first {
            case 0x81: return try told(payload)
            case 0xC1 where form != .plain(isChunked: false): return try told(try inflated(message: payload))
            case 0x89: return (.ping(Array(payload)), nil)
            case 0x88:
                guard count >= 2 else { throw BrokenMessage() }
                return (.bye(code: Int(payload[payload.startIndex]) << 8 | Int(payload[payload.startIndex + 1])), nil)
            default: throw BrokenMessage()
            }
        }
        return nil
    }

    private mutating func nextEvent() throws(BrokenMessage) -> Told? {
        var outcome: Result<Told, BrokenMessage>?
        while outcome == nil, taken < bytes.count {
            let rest = bytes[taken...]
            var consumed = 0
            rest.withUnsafeBytes { pointer in
                guard case .event(let name, let data) = events.next(in: pointer, consumed: &consumed) else { return }
                do throws(BrokenMessage) {
                    let json = try JSON(Array(data))
                    let kind = String(decoding: name, as: UTF8.self)
                    guard kind.isEmpty || kind == json["type"]?.text else { throw BrokenMessage() }
                    outcome = .success((try Message(json), nil))
                } catch {
                    outcome = .failure(error)
                }
            }
            taken += consumed
        }
        guard let told = try outcome?.get() else { return nil }
        return (told.message, String(decoding: events.lastEventID, as: UTF8.self))
    }
}
