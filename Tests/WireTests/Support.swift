import TestRandomness
import Wire

extension SeededGenerator {
    mutating func bytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// Text whose characters take one to four bytes each.
    mutating func text(count: Int) -> [UInt8] {
        let alphabet: [Character] = ["a", "z", " ", "\"", "\\", "\n", "é", "ß", "€", "語", "𝄞", "😀"]
        return Array(String((0..<count).map { _ in alphabet.randomElement(using: &self)! }).utf8)
    }
}

/// What `write` appends to an empty buffer.
func written(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer()
    write(&buffer)
    return Array(buffer.bytes)
}

/// The same as text.
func writtenText(_ write: (inout ByteBuffer) -> Void) -> String {
    String(decoding: written(write), as: UTF8.self)
}

/// Calls `body` with every way to feed `bytes`: whole, byte by byte, and cut in two at every place.
func forEachFeeding(of bytes: [UInt8], _ body: ([[UInt8]]) -> Void) {
    body([bytes])
    body(bytes.map { [$0] })
    for cut in 0...bytes.count {
        body([Array(bytes[..<cut]), Array(bytes[cut...])])
    }
}
