import Foundation
import Testing

@testable import Trust

@Suite struct Base64URLTests {
    @Test("bytes of every length come back, from one text and no other")
    func roundTrip() throws {
        for count in 0..<64 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let text = Array(Base64URL.encode(bytes).utf8)
            #expect(Base64URL.decode(text) == bytes)
            #expect(!text.contains(UInt8(ascii: "=")))
            guard let last = text.last else { continue }
            let others = (0...255 as ClosedRange<UInt8>).filter { $0 != last }.filter {
                Base64URL.decode(text.dropLast() + [$0]) == bytes
            }
            #expect(others.isEmpty, "\(count): \(others)")
        }
    }

    @Test(
        "what is not of its alphabet, or of a length that no bytes have, is refused",
        arguments: [
            "A", "AAAAA", "AA==", "AAA=", "AA+A", "AA/A", "AA A", "AA\n", "AB", "AAB", "é",
        ]
    )
    func refusals(text: String) { #expect(Base64URL.decode(Array(text.utf8)) == nil) }
}
