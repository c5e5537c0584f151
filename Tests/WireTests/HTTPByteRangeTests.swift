import Testing

@testable import Wire

@Suite("HTTP byte ranges")
struct HTTPByteRangeTests {
    private let bytes = Array("GET /Channels/é HTTP/1.1".utf8)

    /// Asks something about the range of the path.
    private func path<Answer>(_ ask: (ByteRange, Span<UInt8>) -> Answer) -> Answer {
        bytes.withUnsafeBufferPointer { ask(ByteRange(start: 4, count: 12), $0.span) }
    }

    @Test("compares with literals")
    func comparisons() {
        #expect(path { $0.hasPrefix("/Channels/", in: $1) })
        #expect(path { $0.hasPrefix("", in: $1) })
        #expect(!path { $0.hasPrefix("/channels/", in: $1) })
        #expect(!path { $0.hasPrefix("/Channels/é ", in: $1) })
        #expect(path { $0.equals("/Channels/é", in: $1) })
        #expect(!path { $0.equals("/Channels/", in: $1) })
        #expect(path { $0.equals(ignoringCase: "/channelS/é", in: $1) })
        #expect(!path { $0.equals(ignoringCase: "/channel5/é", in: $1) })
        #expect(path { $0.hasPrefix(ignoringCase: "/CHANNELS", in: $1) })
    }

    @Test("letters have two cases, other characters one")
    func caseless() {
        // 0x20 tells the cases of a letter apart, and also these pairs of other characters.
        for (one, other) in [("@", "`"), ("[", "{"), ("^", "~"), ("\r", "-")] as [(String, StaticString)] {
            let found = Array(one.utf8).withUnsafeBufferPointer {
                ByteRange(0..<1).equals(ignoringCase: other, in: $0.span)
            }
            #expect(!found)
        }
    }

    @Test("text must be UTF-8")
    func text() {
        #expect(path { $0.text(in: $1) } == "/Channels/é")
        let cut = bytes.withUnsafeBufferPointer { ByteRange(start: 4, count: 11).text(in: $0.span) }
        #expect(cut == nil)
    }

    @Test("field content ends where it must, at every place of a word")
    func fieldContent() {
        for value in 0...255 as ClosedRange<UInt8> {
            for place in 0..<17 {
                var line = [UInt8](repeating: 0x61, count: 20)
                line[place] = value
                let end = line.withUnsafeBufferPointer { $0.span.endOfFieldContent(from: 0, to: 20) }
                if end != (value.isFieldContent ? 20 : place) { Issue.record("byte \(value) at \(place)") }
            }
        }
    }
}
