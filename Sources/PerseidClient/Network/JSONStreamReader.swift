internal import Broker
internal import Wire

/// Reads lines of JSON: one message in one line, with the cursor as its last member.
final class JSONStreamReader: LinkReader {
    private var line = ByteBuffer()
    private let messageBytesMax: Int

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    func objection(to head: AnswerHead) -> PerseidError? {
        head.isOf(type: "application/x-ndjson")
            ? nil : PerseidError(code: head.status, message: "what answers is no stream of JSON")
    }

    func take(_ bytes: UnsafeRawBufferPointer, _ found: (LinkFinding) -> Void) throws(PerseidError) {
        var start = 0
        while let end = LineScan.lineFeed(in: bytes, from: start) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end + 1
            guard line.count + piece.count <= messageBytesMax else { throw .tooBig(messageBytesMax) }
            if line.isEmpty {
                try take(line: piece, found)
            } else {
                line.append(piece)
                try take(line: line.bytes, found)
                line.removeAll()
            }
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        guard line.count + rest.count <= messageBytesMax else { throw .tooBig(messageBytesMax) }
        line.append(rest)
    }

    /// An empty line, or one of spaces, only keeps the connection alive.
    private func take(line: UnsafeRawBufferPointer, _ found: (LinkFinding) -> Void) throws(PerseidError) {
        guard line.contains(where: { $0 > 0x20 }) else { return }
        let message = try ServerMessage(line)
        let cursor = JSONFields(line, ["cursor"])?[0]?.jsonString.flatMap { Broker.Cursor($0) }
        found(.message(message, cursor))
    }
}
