import Broker
import TestRandomness
import Testing

@Suite("Cursor")
struct CursorTests {
    private func cursor(_ positions: [String: String]) -> Cursor {
        Cursor(
            Dictionary(uniqueKeysWithValues: positions.map { (ChannelName($0.key)!, Position($0.value)!) })
        )
    }

    @Test("writes the form that is documented")
    func documentedForm() {
        let cursor = cursor(["news": "1763881234567-0", "chat/room1": "1763881230001-2"])
        #expect(cursor.text == "chat%2Froom1@1763881230001-2,news@1763881234567-0")
    }

    @Test("sorts by the channel's bytes")
    func order() {
        let cursor = cursor(["b": "1-0", "a/b": "1-0", "a": "1-0", "B": "1-0", "é": "1-0", "a-b": "1-0", "z": "1-0"])
        #expect(cursor.text == "B@1-0,a@1-0,a-b@1-0,a%2Fb@1-0,b@1-0,z@1-0,%C3%A9@1-0")
    }

    @Test("keeps channels apart whose bytes differ")
    func canonicallyEquivalent() {
        let cursor = Cursor("caf%C3%A9@1-0,cafe%CC%81@2-0")
        #expect(cursor?.positions.count == 2)
    }

    @Test("reads what it writes, whatever the channels are called")
    func roundTrip() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("aZ9-._~ /,@%+é語😀\"\u{301}$*")
        for _ in 0..<2_000 {
            var positions: [ChannelName: Position] = [:]
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                let count = Int.random(in: 1...12, using: &generator)
                let text = String((0..<count).map { _ in alphabet.randomElement(using: &generator)! })
                guard let name = ChannelName(text) else { continue }
                positions[name] = Position(
                    milliseconds: .random(in: 0...(.max), using: &generator),
                    sequence: .random(in: 0...3, using: &generator)
                )
            }
            let cursor = Cursor(positions)
            #expect(Cursor(cursor.text) == cursor)
            #expect(Cursor(cursor.text)?.text == cursor.text)
            #expect(cursor.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "an event stream's id is one line")
        }
    }

    @Test("no channels are an empty text")
    func empty() {
        #expect(Cursor("") == Cursor())
        #expect(Cursor().text == "")
    }

    @Test(
        "reads forms that are not its own",
        arguments: [
            ("%6eews@1-0", "news@1-0"), ("chat%2froom@1-0", "chat%2Froom@1-0"), ("chat/room@1-0", "chat%2Froom@1-0"),
            ("b@1-0,a@2-0", "a@2-0,b@1-0"), ("a@1-0,a@2-0", "a@2-0"), ("a@b@1-0", "a%40b@1-0"), ("a@01-00", "a@1-0"),
            ("a@1-0;b@1-0", "a%401-0%3Bb@1-0"),
        ]
    )
    func lenient(text: String, canonical: String) {
        #expect(Cursor(text)?.text == canonical)
    }

    @Test(
        "refuses hostile texts",
        arguments: [
            ",", "a", "@", "a@", "@1-0", "a@1", "a@1-0,", ",a@1-0", "a@1-0,,b@1-0", "a@-1-0",
            "a@1-0 ", "a@1-0\n", "a%@1-0", "a%4@1-0", "a%zz@1-0", "a%+1@1-0", "%FF@1-0", "%C3@1-0", "%C0%AF@1-0",
            "%ED%A0%80@1-0", "%00@1-0", "%0A@1-0", "a%2F@1-0", "%2Fa@1-0", "a%2F%2Fb@1-0", "a@99999999999999999999-0",
            String(repeating: "a", count: 256) + "@1-0",
        ]
    )
    func hostile(text: String) {
        #expect(Cursor(text) == nil)
    }

    @Test("is read up to its longest length and no further")
    func tooLong() {
        let zeros = String(repeating: "0", count: Cursor.byteCountMax - "a@1-0".utf8.count)
        #expect(Cursor("a@\(zeros)1-0")?.text == "a@1-0")
        #expect(Cursor("a@\(zeros)01-0") == nil)
    }
}
