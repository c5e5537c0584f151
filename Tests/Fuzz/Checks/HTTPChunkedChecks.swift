@testable import Wire

/// A body in chunks.
enum HTTPChunkedChecks {
    private struct Decoded: Equatable {
        var body: [UInt8]
        var consumedCount: Int
        var outcome: HTTPChunkedDecoder.Outcome
    }

    static func check(_ bytes: [UInt8]) throws {
        var narrow = HTTPLimits()
        (narrow.bodyBytes, narrow.chunkExtensionBytes, narrow.trailerBytes) = (64, 16, 32)
        for limits in [HTTPLimits(), narrow] {
            let whole = try decode(bytes, [bytes.count], limits)
            var pieces = Pieces(bytes)
            try requireSame(whole, try decode(bytes, pieces.ends(of: bytes.count), limits), "a body in pieces")
            try require(whole.body.count <= limits.bodyBytes, "a body over the limit")
            let own = Array(bytes[..<whole.consumedCount])
            let alone = try decode(own, [own.count], limits)
            try requireSame(whole.body, alone.body, "a body without what follows it")
            switch whole.outcome {
            case .rejected: try requireSame(alone.outcome, .incomplete, "a body before what is wrong with it")
            case .complete: try requireSame(alone.outcome, .complete, "a body without what follows it")
            case .incomplete: try requireSame(whole.consumedCount, bytes.count, "what an incomplete body consumed")
            }
            try checkEncoded(whole.body, limits)
        }
    }

    /// What is written in chunks says the same.
    private static func checkEncoded(_ body: [UInt8], _ limits: HTTPLimits) throws {
        var encoded = ByteBuffer()
        var pieces = Pieces(body)
        var start = 0
        for end in pieces.ends(of: body.count) {
            body[start..<end].withUnsafeBytes { HTTPChunkedEncoder.append($0, to: &encoded) }
            start = end
        }
        encoded.append(HTTPChunkedEncoder.end)
        let bytes = Array(encoded.bytes)
        let decoded = try decode(bytes, pieces.ends(of: bytes.count), limits)
        try requireSame(decoded, Decoded(body: body, consumedCount: bytes.count, outcome: .complete), "a body, encoded")
    }

    private static func decode(
        _ bytes: [UInt8],
        _ ends: [Int],
        _ limits: HTTPLimits
    ) throws -> Decoded {
        var decoder = HTTPChunkedDecoder()
        var body = ByteBuffer()
        var decoded = Decoded(body: [], consumedCount: 0, outcome: .incomplete)
        for end in ends where decoded.outcome == .incomplete {
            let (count, outcome) = try withExactCopy(of: bytes[decoded.consumedCount..<end]) {
                decoder.decode($0.octets.span, into: &body, limits: limits)
            }
            decoded.consumedCount += count
            decoded.outcome = outcome
            if outcome == .incomplete { try requireSame(decoded.consumedCount, end, "bytes left over") }
        }
        decoded.body = Array(body.bytes)
        return decoded
    }
}
