import Wire

/// A small generator with a seed, so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

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
