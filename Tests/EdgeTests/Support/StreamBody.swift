import Foundation

/// The body of a stream as it comes: whole chunks, or with no chunks whatever is there.
struct StreamBody {
    private let isChunked: Bool

    /// Whether the body ended as chunked bodies do.
    private(set) var hasEndedWell = false

    init(of head: HTTPAnswer) { isChunked = head["Transfer-Encoding"] == "chunked" }

    /// Takes the whole pieces among what a client received.
    mutating func takePieces(from client: TestClient) throws -> [[UInt8]] {
        guard isChunked else {
            let bytes = client.takeAll()
            return bytes.isEmpty ? [] : [bytes]
        }
        var pieces: [[UInt8]] = []
        var bytes = client.takeAll()[...]
        while let lineEnd = bytes.firstIndex(of: 10) {
            let size = String(decoding: bytes[..<lineEnd], as: UTF8.self).trimmingCharacters(in: ["\r"])
            guard let count = Int(size, radix: 16) else { throw TestFailure("not a chunk's size: \(size)") }
            let start = bytes.index(after: lineEnd)
            guard bytes.endIndex - start >= count + 2 else { break }
            if count == 0 { hasEndedWell = true } else { pieces.append(Array(bytes[start..<(start + count)])) }
            bytes = bytes[(start + count + 2)...]
        }
        client.putBack(Array(bytes))
        return pieces
    }
}
