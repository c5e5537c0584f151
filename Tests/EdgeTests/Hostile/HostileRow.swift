import Testing

/// What a stranger sends, and exactly what becomes of it.
struct HostileRow: Sendable, CustomTestStringConvertible {
    /// What is wrong with it.
    let name: String
    let bytes: [UInt8]

    /// What it is answered, as its table puts that in words.
    let answer: String

    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8], _ answer: String) {
        (self.name, self.bytes, self.answer) = (name, bytes, answer)
    }

    init(_ name: String, _ text: String, _ answer: String) { self.init(name, Array(text.utf8), answer) }
}
