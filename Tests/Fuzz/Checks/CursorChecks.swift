import Broker

/// The text of a cursor, which clients keep and give back.
enum CursorChecks {
    static func check(_ bytes: [UInt8]) throws {
        if let position = try withExactCopy(of: bytes, { Position(utf8: $0) }) {
            try requireSame(Position("\(position)"), position, "a position, written anew")
            try require("\(position)".utf8.count <= Position.textBytesMax, "a long position")
        }
        guard let cursor = Cursor(String(decoding: bytes, as: UTF8.self)) else { return }
        try require(bytes.count <= Cursor.byteCountMax, "a long cursor")
        let text = cursor.text
        guard let again = Cursor(text) else { throw Violation(description: "a cursor, written anew: \(text)") }
        try requireSame(again, cursor, "a cursor, written anew")
        try requireSame(again.text, text, "the text of a cursor")
        try require(text.utf8.count <= Cursor.byteCountMax(of: cursor.positions.keys), "a longer cursor than foreseen")
    }
}
