import Foundation
import TestInflater
import Wire

/// An event stream of a node, as a browser has it.
final class EventStreamClient {
    struct Event: Equatable {
        let name: String
        let data: String
        /// The last event id once this event is taken.
        let id: String

        var message: Message {
            get throws { try Message(data) }
        }
    }

    let client: TestClient
    let head: HTTPAnswer

    /// All bytes of the body, and each of its chunks.
    private(set) var bytes: [UInt8] = []
    private(set) var pieces: [String] = []
    private(set) var retryMilliseconds: UInt64?

    private var body: StreamBody
    /// Inflates the body, if that is compressed.
    private let inflater: StreamInflater?
    /// Bytes of the body as they came.
    private(set) var bodyCount = 0
    private var decoder = EventStreamDecoder()
    private var events: [Event] = []

    convenience init(_ client: TestClient, _ query: String, fields: [(String, String)] = []) throws {
        try client.sendRequest("GET", "/sse\(query)", fields)
        try self.init(askedOn: client)
    }

    /// Goes on behind a request that was made by hand.
    init(askedOn client: TestClient) throws {
        self.client = client
        let text = try client.readHead()
        guard text.hasPrefix("HTTP/1.1 200 ") else { throw TestFailure("no event stream: \(text)") }
        head = HTTPAnswer(status: 200, head: text, body: [])
        body = StreamBody(of: head)
        inflater =
            switch head["Content-Encoding"] {
            case nil: nil
            case "gzip": StreamInflater(.gzip)
            case "deflate": StreamInflater(.zlib)
            case .some(let coding): throw TestFailure("unknown content coding \(coding)")
            }
    }

    /// Whether the body ended as chunked bodies do.
    var hasEndedWell: Bool { body.hasEndedWell }

    /// Whether what was compressed ended as it should, checksum and all.
    var hasInflatedAll: Bool { inflater?.hasEnded ?? false }

    /// All of the body so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Where a browser would resume.
    var lastEventID: String { String(decoding: decoder.lastEventID, as: UTF8.self) }

    private func decode() throws {
        for piece in try body.takePieces(from: client) {
            bodyCount += piece.count
            guard let inflater else {
                take(piece)
                continue
            }
            guard let inflated = inflater.inflate(piece) else { throw TestFailure("not what Content-Encoding says") }
            take(inflated)
        }
    }

    private func take(_ piece: [UInt8]) {
        if !piece.isEmpty {
            pieces.append(String(decoding: piece, as: UTF8.self))
            decode(piece)
        }
    }

    private func decode(_ new: [UInt8]) {
        bytes += new
        var consumed = 0
        new.withUnsafeBytes { new in
            while true {
                switch decoder.next(in: new, consumed: &consumed) {
                case .needMore: return
                case .event(let name, let data):
                    events.append(
                        Event(
                            name: String(decoding: name, as: UTF8.self),
                            data: String(decoding: data, as: UTF8.self),
                            id: lastEventID
                        )
                    )
                case .retry(let milliseconds): retryMilliseconds = milliseconds
                case .tooBig: events.append(Event(name: "too big", data: "", id: ""))
                }
            }
        }
    }

    /// The next event, or `nil` at the end of the stream.
    func nextOrEnd(within seconds: Double = patience) throws -> Event? {
        if events.isEmpty {
            let isThere = try client.receive(within: seconds) {
                try decode()
                return !events.isEmpty
            }
            if !isThere { return nil }
        }
        return events.removeFirst()
    }

    /// The next event, which must have a name; publications have none.
    @discardableResult
    func next(_ name: String = "", within seconds: Double = patience) throws -> Event {
        let event = try nextOrEnd(within: seconds)
        guard let event, event.name == name else {
            throw TestFailure("expected \(name), got \(String(describing: event))")
        }
        return event
    }

    /// Takes `welcome` and one `subscribed` for each channel.
    @discardableResult
    func begin(_ channelCount: Int = 1) throws -> [Message] {
        try next("welcome")
        return try (0..<channelCount).map { _ in try next("subscribed").message }
    }

    /// Receives until the text so far holds something.
    func receive(within seconds: Double = patience, until condition: (String) -> Bool) throws {
        let isThere = try client.receive(within: seconds) {
            try decode()
            return condition(text)
        }
        guard isThere else { throw TestFailure("the stream ended") }
    }

    func close() { client.close() }
}

extension TestNode {
    func eventStream(
        _ query: String,
        receiveBytes: Int32? = nil,
        fields: [(String, String)] = []
    ) throws -> EventStreamClient {
        try EventStreamClient(connect(receiveBytes: receiveBytes), query, fields: fields)
    }
}
