import Reactor

@testable import Edge
@testable import Hub
@testable import Wire

/// A body of publications, one in a line, while it is being sent: with its length told before, or in chunks.
enum PublicationLinesChecks {
    private static let lineBytesMax = 48

    private enum Said: Equatable {
        case line([UInt8])
        case tooLong, end, malformed
    }

    static func check(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        let counted = PublicationLines.Framing.counted(bytes.count)
        let whole = try read(bytes, [bytes.count], counted)
        var pieces = Pieces(bytes)
        try requireSame(whole, try read(bytes, pieces.ends(of: bytes.count), counted), "lines in pieces")
        try checkLines(whole, of: bytes)
        try checkChunked(bytes, whole)
        // And as chunks that somebody else has made.
        let decoder = PublicationLines.Framing.chunked(HTTPChunkedDecoder())
        let chunked = try read(bytes, [bytes.count], decoder)
        try requireSame(chunked, try read(bytes, pieces.ends(of: bytes.count), decoder), "chunks in pieces")
    }

    /// What is between two line feeds is one line, or one that is too long.
    private static func checkLines(_ all: [Said], of bytes: [UInt8]) throws {
        var expected: [Said] = []
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // The last one may do without its line feed, and nothing behind that is none.
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines { expected.append(line.count > lineBytesMax ? .tooLong : .line(Array(line))) }
        try requireSame(all, expected + [.end], "lines")
    }

    /// The same in chunks says the same.
    private static func checkChunked(_ bytes: [UInt8], _ expected: [Said]) throws {
        var encoded = ByteBuffer()
        var pieces = Pieces(bytes)
        var start = 0
        for end in pieces.ends(of: bytes.count) {
            bytes[start..<end].withUnsafeBytes { HTTPChunkedEncoder.append($0, to: &encoded) }
            start = end
        }
        encoded.append(HTTPChunkedEncoder.end)
        let chunks = Array(encoded.bytes)
        let said = try read(chunks, pieces.ends(of: chunks.count), .chunked(HTTPChunkedDecoder()))
        try requireSame(said, expected, "lines in chunks")
    }

    private static func read(_ bytes: [UInt8], _ ends: [Int], _ framing: PublicationLines.Framing) throws -> [Said] {
        let held = HeldMemory()
        let exchange = Exchange(connection: SlabKey(token: 0), form: [], origin: nil)
        var all: [Said] = []
        do {
            let lines = PublicationLines(exchange, framing, lineBytesMax: lineBytesMax, held: held)
            var start = 0
            for end in ends where !lines.isEnded {
                start += try withExactCopy(of: bytes[start..<end]) { copy in
                    lines.take(copy.readOnly) { piece in
                        switch piece {
                        case .line(let line): all.append(.line(Array(line)))
                        case .tooLong: all.append(.tooLong)
                        case .end: all.append(.end)
                        case .malformed: all.append(.malformed)
                        }
                    }
                }
                try require(lines.isEnded || start == end, "bytes left over")
                try require(held.inputBytes <= 4 * lineBytesMax + 4_096, "it holds \(held.inputBytes) bytes")
            }
        }
        try requireSame(held.inputBytes, 0, "bytes that are held when it is gone")
        return all
    }
}
