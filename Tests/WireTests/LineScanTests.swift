import Testing
import Wire

@Suite("Ends of lines")
struct LineScanTests {
    @Test("the first line feed, wherever it is")
    func lineFeeds() {
        for count in 0..<40 {
            for place in 0..<count {
                var bytes = [UInt8](repeating: 0x8A, count: count)
                bytes[place] = 0x0A
                bytes.withUnsafeBytes {
                    for start in 0...place { #expect(LineScan.lineFeed(in: $0, from: start) == place) }
                    #expect(LineScan.lineFeed(in: $0, from: place + 1) == nil)
                }
            }
        }
        #expect(LineScan.lineFeed(in: UnsafeRawBufferPointer(start: nil, count: 0), from: 0) == nil)
    }

    @Test(
        "a beginning of so many lines",
        arguments: [
            ("", 2, 9, 0), ("ab", 2, 9, 2), ("a\nb", 2, 9, 3), ("a\nb\nc\n", 2, 9, 4), ("a\nb\nc\n", 3, 9, 6),
            ("a\nb\nc\n", 2, 3, 3), ("\n\n\n", 1, 9, 1), ("abcdefghijklmnop\nx", 1, 9, 9),
        ]
    )
    func beginnings(text: String, lines: Int, bytes: Int, count: Int) {
        let found = Array(text.utf8).withUnsafeBytes {
            LineScan.beginning(of: $0, lineCountMax: lines, byteCountMax: bytes).count
        }
        #expect(found == count)
    }
}
