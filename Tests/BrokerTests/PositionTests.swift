import Broker
import Testing

@Suite("Position")
struct PositionTests {
    @Test(
        "reads what it writes",
        arguments: [
            ("0-0", 0, 0),
            ("1763881234567-0", 1_763_881_234_567, 0),
            ("1763881230001-2", 1_763_881_230_001, 2),
            ("18446744073709551615-18446744073709551615", UInt64.max, UInt64.max),
        ]
    )
    func roundTrip(text: String, milliseconds: UInt64, sequence: UInt64) {
        let position = Position(milliseconds: milliseconds, sequence: sequence)
        #expect(Position(text) == position)
        #expect(position.description == text)
        #expect(text.utf8.count <= 41)
    }

    @Test("reads what is not a string")
    func otherTexts() {
        #expect(Position("since=5-1".dropFirst(6)) == Position(milliseconds: 5, sequence: 1))
        #expect(Position(utf8: Array("5-1".utf8)) == Position(milliseconds: 5, sequence: 1))
        #expect(Position("0005-01") == Position(milliseconds: 5, sequence: 1))
    }

    @Test(
        "refuses what is not a position",
        arguments: [
            "", "-", "5", "5-", "-5", "--", "5--1", "5-1-", "5-1-2", "-5-1", "+5-1", "5-+1", " 5-1", "5-1 ", "5 -1",
            "5-1\n", "5-1\0", "0x5-1", "5.0-1", "5e3-1", "5–1", "5_000-1", "٥-١", "５-１", "*", "$", ">", "5-*",
            "18446744073709551616-0", "0-18446744073709551616", "99999999999999999999-0",
            "184467440737095516150-0", "0-340282366920938463463374607431768211456",
        ]
    )
    func refused(text: String) {
        #expect(Position(text) == nil)
    }

    @Test("a successor comes next, and nothing is between")
    func successor() {
        #expect(Position("5-1")!.successor == Position("5-2"))
        #expect(Position("5-18446744073709551615")!.successor == Position("6-0"))
        #expect(Position.start.successor == Position("0-1"))
        #expect(Position("5-1")! < Position("5-1")!.successor)
    }

    @Test("orders by number, not by text")
    func order() {
        let texts = ["0-0", "0-1", "0-9", "0-10", "2-0", "10-0", "10-3", "1763881234567-0"]
        let positions = texts.map { Position($0)! }
        #expect(positions.reversed().sorted() == positions)
        #expect(Position.start == positions[0])
        for (index, position) in positions.enumerated() {
            #expect(positions.allSatisfy { ($0 < position) == (positions.firstIndex(of: $0)! < index) })
        }
    }
}
