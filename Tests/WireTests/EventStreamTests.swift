import TestRandomness
import Testing
import Wire

/// An event of an event stream with its bytes copied out, and the last event id that stood with it.
private enum Recorded: Equatable {
    case event(String, String, id: String)
    case retry(UInt64)
    case tooBig

    static func message(_ data: String, id: String = "") -> Recorded { .event("", data, id: id) }
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

/// What a decoder makes of the pieces, and the id it would resume after.
private func decode(_ pieces: [[UInt8]], eventBytesMax: Int = 1_048_576) -> (events: [Recorded], lastID: String) {
    var decoder = EventStreamDecoder(eventBytesMax: eventBytesMax)
    var events: [Recorded] = []
    for piece in pieces { feed(piece, to: &decoder, &events) }
    return (events, text(decoder.lastEventID))
}

private func feed(_ piece: [UInt8], to decoder: inout EventStreamDecoder, _ events: inout [Recorded]) {
    var consumed = 0
    var isDone = false
    while !isDone {
        piece.withUnsafeBytes { bytes in
            switch decoder.next(in: bytes, consumed: &consumed) {
            case .needMore: isDone = true
            case .event(let name, let data):
                events.append(.event(text(name), text(data), id: text(decoder.lastEventID)))
            case .retry(let milliseconds): events.append(.retry(milliseconds))
            case .tooBig: events.append(.tooBig)
            }
        }
    }
}

@Suite("EventStream decoder")
struct EventStreamDecoderTests {
    fileprivate struct Case: CustomTestStringConvertible, Sendable {
        var stream: String
        var events: [Recorded]
        var lastID = ""
        var testDescription: String { stream.debugDescription }

        init(_ stream: String, _ events: [Recorded], lastID: String = "") {
            self.stream = stream
            self.events = events
            self.lastID = lastID
        }
    }

    fileprivate static let cases: [Case] = [
        Case("data: a\n\n", [.message("a")]),
        Case("data: a\r\rdata: b\r\r", [.message("a"), .message("b")]),
        Case("data: a\r\n\r\ndata: b\r\n\r\n", [.message("a"), .message("b")]),
        Case("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", [.message("a"), .message("b"), .message("c")]),
        Case("data: a\r\rdata: b\n\r", [.message("a"), .message("b")]),
        Case("data: YHOO\ndata: +2\ndata: 10\n\n", [.message("YHOO\n+2\n10")]),
        Case("data\n\ndata\ndata\n\ndata:", [.message(""), .message("\n")]),
        Case("data:test\n\ndata: test\n\ndata:  test\n\n", [.message("test"), .message("test"), .message(" test")]),
        Case("\n\n\r\n\r\rdata:x\n\n\n\n", [.message("x")]),
        Case("data: not finished\n", []),
        Case("data: a\n\ndata: lost", [.message("a")]),
        Case("\u{FEFF}data: a\n\n", [.message("a")]),
        Case("\u{FEFF}\u{FEFF}data: a\n\ndata: b\n\n", [.message("b")]),
        Case("data: a\n\n\u{FEFF}data: b\n\n", [.message("a")]),
        Case("data: \u{FEFF}\n\n", [.message("\u{FEFF}")]),
        Case(": comment\n:\n:: data: x\ndata: a\n: hb\n\n", [.message("a")]),
        Case("event: add\ndata: 1\n\ndata: 2\n\n", [.event("add", "1", id: ""), .message("2")]),
        Case("event: add\n\ndata: 1\n\n", [.message("1")]),
        Case("event: a\nevent: b\ndata:1\n\n", [.event("b", "1", id: "")]),
        Case(
            "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
            [.message("a", id: "1"), .message("b", id: "1"), .message("c")]
        ),
        Case("id: 1\n\ndata: a\n\n", [.message("a", id: "1")], lastID: "1"),
        Case("data: a\nid: 1\n\nid: 2\ndata: torn\n", [.message("a", id: "1")], lastID: "1"),
        Case(
            "id: 1\ndata: a\n\nid: 2\u{0}3\ndata: b\n\n",
            [.message("a", id: "1"), .message("b", id: "1")],
            lastID: "1"
        ),
        Case("retry: 1500\nretry: 15x\nretry:-1\nretry\nretry:  7\nretry: 007\n", [.retry(1_500), .retry(7)]),
        Case("retry: 99999999999999999999\ndata: a\n\n", [.message("a")]),
        Case("Data: a\ndata : b\ndat: c\ndatas: d\nunknown\n\n", []),
        Case("data: a:b: c\n\n", [.message("a:b: c")]),
        Case("data: größer 😀\n\n", [.message("größer 😀")]),
    ]

    @Test("reads streams as a browser does, however they are cut", arguments: cases)
    fileprivate func reads(example: Case) {
        forEachFeeding(of: Array(example.stream.utf8)) { pieces in
            let (events, lastID) = decode(pieces)
            #expect(events == example.events)
            #expect(lastID == example.lastID)
        }
    }

    @Test("a new connection forgets what was incomplete and keeps the last event id")
    func reset() {
        var decoder = EventStreamDecoder()
        var events: [Recorded] = []
        feed(Array("id: 1\ndata: a\n\nid: 2\nevent: x\ndata: torn\ndata: to".utf8), to: &decoder, &events)
        decoder.reset()
        feed(Array("\u{FEFF}data: b\n\n".utf8), to: &decoder, &events)
        #expect(events == [.message("a", id: "1"), .message("b", id: "1")])
    }

    @Test(
        "lines and events above the limit end the stream",
        arguments: [
            "data: 12345678901\n\n", "data: 12345\ndata: 67890\n\n", "data: a\n\n: a long comment without end",
        ]
    )
    func limit(stream: String) {
        forEachFeeding(of: Array(stream.utf8)) { pieces in
            let (events, _) = decode(pieces, eventBytesMax: 11)
            #expect(events.last == .tooBig)
        }
        let (events, _) = decode([Array("data: 12345\n\ndata: 67890\n\n".utf8)], eventBytesMax: 11)
        #expect(events == [.message("12345"), .message("67890")])
    }
}

@Suite("EventStream encoder")
struct EventStreamEncoderTests {
    private func event(id: String? = nil, name: StaticString? = nil, data: String) -> String {
        let (id, data) = (id.map { Array($0.utf8) }, Array(data.utf8))
        return data.withUnsafeBytes { data in
            guard let id else { return writtenText { EventStreamEncoder.appendEvent(name: name, data: data, to: &$0) } }
            return id.withUnsafeBytes { id in
                writtenText { EventStreamEncoder.appendEvent(id: id, name: name, data: data, to: &$0) }
            }
        }
    }

    @Test("events")
    func events() {
        #expect(event(data: "a") == "data: a\n\n")
        #expect(event(data: "") == "data: \n\n")
        #expect(event(id: "news@1-0", data: "{}") == "id: news@1-0\ndata: {}\n\n")
        #expect(event(id: "", name: "gap", data: "x") == "id: \nevent: gap\ndata: x\n\n")
        #expect(event(data: "a\nb\r\nc\rd\n\re") == "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n")
        #expect(event(data: "a longer first line\n") == "data: a longer first line\ndata: \n\n")
    }

    @Test("an id or a name cannot forge fields", arguments: ["1\ndata: x", "1\r", "\u{0}"])
    func forgedID(id: String) {
        #expect(event(id: id, data: "a") == "data: a\n\n")
    }

    @Test("what is no event has no empty line of its own, and goes with the next event")
    func rest() {
        #expect("\(EventStreamEncoder.heartbeat)" == ":\n")
        #expect(
            written { EventStreamEncoder.appendPrelude(retryMilliseconds: 3_000, to: &$0) }
                == Array("retry: 3000\n".utf8)
        )
        let padded = written { EventStreamEncoder.appendPrelude(retryMilliseconds: 10, paddingCount: 3, to: &$0) }
        #expect(padded == Array("retry: 10\n:   \n".utf8))
        let (events, lastID) = decode([
            padded, Array(":\n".utf8), Array(event(id: "7", name: "welcome", data: "x").utf8),
        ])
        #expect(events == [.retry(10), .event("welcome", "x", id: "7")])
        #expect(lastID == "7")
    }

    @Test("round trips of random texts, cut anywhere")
    func roundTrips() {
        var generator = SeededGenerator(seed: 8)
        let alphabet = ["a", "bcdefgh", "\n", "\r", "\r\n", " ", ":", "data: ", "é", "😀", "\u{FEFF}"]
        for iteration in 0..<5_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let data = (0..<count).map { _ in alphabet.randomElement(using: &generator)! }.joined()
            let stream = Array(event(id: "\(iteration)", data: data).utf8)
            let cut = Int.random(in: 0...stream.count, using: &generator)
            let (events, _) = decode([Array(stream[..<cut]), Array(stream[cut...])])
            // Every kind of line break arrives as LF. A pair is one character in Swift, hence the scalars.
            let expected = String(
                String.UnicodeScalarView(
                    data.unicodeScalars.split(separator: "\r\n".unicodeScalars, omittingEmptySubsequences: false)
                        .joined(separator: "\n".unicodeScalars).map { $0 == "\r" ? "\n" : $0 }
                )
            )
            #expect(events == [.message(expected, id: "\(iteration)")], "seed 8, iteration \(iteration)")
        }
    }

    @Test("noise never traps")
    func noise() {
        var generator = SeededGenerator(seed: 9)
        let alphabet = Array("data:id event retry\r\n\n\n 1".utf8) + [0, 0xEF, 0xBB, 0xBF]
        for iteration in 0..<5_000 {
            let count = Int.random(in: 0...60, using: &generator)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator)! }
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let whole = decode([bytes], eventBytesMax: 20)
            let pieces = decode([Array(bytes[..<cut]), Array(bytes[cut...])], eventBytesMax: 20)
            #expect(whole == pieces, "seed 9, iteration \(iteration)")
        }
    }
}
