import TestRandomness
import Testing
import Wire

@Suite("UTF8 validator")
struct UTF8ValidatorTests {
    static let valid: [[UInt8]] = [
        [],
        Array("plain ASCII, longer than eight bytes".utf8),
        Array("Grüße, κόσμε, 日本語, 𝄞, 😀".utf8),
        [0x00], [0x7F],
        [0xC2, 0x80], [0xDF, 0xBF],
        [0xE0, 0xA0, 0x80], [0xEF, 0xBF, 0xBF], [0xEF, 0xBF, 0xBE],
        [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
        [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        [0xEF, 0xBB, 0xBF],
    ]

    static let invalid: [[UInt8]] = [
        [0x80], [0xBF], [0x61, 0x80, 0x61],
        [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xC2, 0xC2],
        [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xE1, 0x41, 0x80],
        [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
        [0xED, 0xA0, 0x81, 0xED, 0xB0, 0x80],
        [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF1, 0x80, 0x80], [0xF1, 0x80, 0x80, 0x41],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
        [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        Array("eight bytes and then: ".utf8) + [0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83, 0xED, 0xA0, 0x80],
    ]

    /// Whether the pieces together are valid text.
    private func isValid(_ pieces: [[UInt8]]) -> Bool {
        var validator = UTF8Validator()
        for piece in pieces where !piece.withUnsafeBytes({ validator.validate($0) }) {
            return false
        }
        return validator.isComplete
    }

    @Test("accepts what is well formed, however it is cut", arguments: valid)
    func accepts(text: [UInt8]) {
        forEachFeeding(of: text) { pieces in #expect(isValid(pieces)) }
        #expect(text.withUnsafeBytes { UTF8Validator.isValid($0) })
    }

    @Test("refuses what is not, however it is cut", arguments: invalid)
    func refuses(text: [UInt8]) {
        forEachFeeding(of: text) { pieces in #expect(!isValid(pieces)) }
        #expect(!text.withUnsafeBytes { UTF8Validator.isValid($0) })
    }

    @Test("fails at the first impossible byte and stays failed")
    func failsFast() {
        var validator = UTF8Validator()
        let begun = [0xF4].withUnsafeBytes(asBytes: { validator.validate($0) })
        let beyond = [0x90].withUnsafeBytes(asBytes: { validator.validate($0) })
        let afterwards = [0x61].withUnsafeBytes(asBytes: { validator.validate($0) })
        #expect(begun)
        #expect(!beyond)
        #expect(!afterwards)
        #expect(!validator.isComplete)
    }

    @Test("agrees with the standard library on every pair of bytes, and on the borders of three")
    func agreesOnShortSequences() {
        let leads: [UInt8] = [0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5]
        let thirds: [UInt8] = [0x7F, 0x80, 0xBF, 0xC0]
        var disagreements = 0
        for second in UInt8.min...UInt8.max {
            let pairs = (UInt8(0x7E)...0xFF).map { [$0, second] }
            let triples = leads.flatMap { lead in thirds.map { [lead, second, $0] } }
            for bytes in pairs + triples {
                let expected = String(validating: bytes, as: UTF8.self) != nil
                if isValid([bytes]) != expected { disagreements += 1 }
                // With text behind it, so that the path for whole words is taken.
                let longer = bytes + [0xC3, 0xA9, 0x61, 0x62]
                if isValid([longer]) != (String(validating: longer, as: UTF8.self) != nil) { disagreements += 1 }
            }
        }
        #expect(disagreements == 0)
    }

    @Test("agrees with the standard library on mutated text")
    func agreesOnMutations() {
        var generator = SeededGenerator(seed: 6)
        for iteration in 0..<10_000 {
            var text = generator.text(count: Int.random(in: 0...24, using: &generator))
            if !text.isEmpty, iteration % 4 != 0 {
                text[Int.random(in: 0..<text.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let cut = Int.random(in: 0...text.count, using: &generator)
            let expected = String(validating: text, as: UTF8.self) != nil
            let actual = isValid([Array(text[..<cut]), Array(text[cut...])])
            #expect(actual == expected, "seed 6, iteration \(iteration)")
        }
    }

    @Test("takes four bytes of memory")
    func size() {
        #expect(MemoryLayout<UTF8Validator>.size <= 4)
    }
}

extension Array where Element == UInt8 {
    /// Lets a literal be fed where its type would otherwise be inferred as `[Int]`.
    fileprivate func withUnsafeBytes<Result>(asBytes body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(body)
    }
}
