import Broker
import Foundation
import Reactor
import Wire

/// Publishes lines as they come on standard input, by one request, and prints the answer to each as it comes.
///
/// Threads: one reads lines and sends them, the caller's reads answers and prints them. Neither waits for the other; what the node
/// does not take makes the first one wait, and so whoever writes to it.
struct PublishLines: Sendable {
    let address: NodeAddress
    let key: String?

    /// What became of the lines.
    struct Outcome {
        /// Lines that were published.
        var published = 0
        /// Lines that were refused for good.
        var refused = 0
        /// Lines that were refused for now.
        var deferred = 0
        /// Lines that were sent and not answered, for the connection was lost.
        var unanswered = 0
        /// What the node said if it did not take the request at all.
        var refusal: Refusal?
    }

    /// Time without a byte after which a node is given up. It sends an empty line after 25 s in which there was nothing to say.
    private static let patienceMilliseconds: Int32 = 60_000

    /// Publishes all there are.
    func run() throws -> Outcome {
        let socket = try Socket.connect(host: address.host, port: address.port)
        try send(request.bytes, to: socket)
        let sent = Counter()
        Thread { try? sendLines(to: socket, counting: sent) }.start()
        var outcome = try readAnswers(from: socket)
        let answered = outcome.published + outcome.refused + outcome.deferred
        outcome.unanswered = max(sent.value - answered, 0)
        return outcome
    }

    private var request: ByteBuffer {
        var request = ByteBuffer()
        request.append(utf8: "POST /publish HTTP/1.1\r\nHost: \(address.authority)\r\nConnection: close\r\n")
        request.append("Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n")
        if let key { request.append(field: "Authorization", utf8: "Bearer \(key)") }
        request.appendHeadEnd()
        return request
    }

    // MARK: Lines

    /// Fails where the node ends the connection; why it does is read elsewhere.
    private func sendLines(to socket: Socket, counting sent: Counter) throws {
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            var chunk = ByteBuffer()
            var isMidLine = false
            while true {
                let count = read(FileHandle.standardInput.fileDescriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                chunk.removeAll()
                guard count > 0 else { break }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                HTTPChunkedEncoder.append(bytes, to: &chunk)
                try send(chunk.bytes, to: socket)
                sent.add(Self.linesBegun(in: bytes, isMidLine: &isMidLine))
            }
            chunk.append(HTTPChunkedEncoder.end)
            try send(chunk.bytes, to: socket)
        }
    }

    /// Lines that begin here and are not empty: each of them is answered.
    private static func linesBegun(in bytes: UnsafeRawBufferPointer, isMidLine: inout Bool) -> Int {
        var count = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n"): isMidLine = false
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            default:
                if !isMidLine { count += 1 }
                isMidLine = true
            }
        }
        return count
    }

    private func send(_ bytes: UnsafeRawBufferPointer, to socket: Socket) throws {
        let poller = try Poller()
        try poller.add(socket.descriptor, token: 0, for: .write)
        var rest = bytes
        while !rest.isEmpty {
            poller.wait(milliseconds: 1_000) { _, _ in }
            if let error = socket.connectionError { throw error }
            switch socket.send(rest) {
            case .moved(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .wouldBlock, .endOfStream: continue
            case .failed(let code): throw SystemError(call: "send", result: -Int(code))
            }
        }
    }

    // MARK: Answers

    private func readAnswers(from socket: Socket) throws -> Outcome {
        let poller = try Poller()
        try poller.add(socket.descriptor, token: 0, for: .read)
        var reader = AnswerReader()
        var outcome = Outcome()
        var body: [UInt8] = []
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            reading: while !reader.isComplete {
                var isReady = false
                poller.wait(milliseconds: Self.patienceMilliseconds) { _, _ in isReady = true }
                guard isReady else { break }
                switch socket.receive(into: buffer) {
                case .moved(let count):
                    try reader.take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { head, bytes in
                        body += bytes
                        if head.status == 200 { Self.take(linesOf: &body, &outcome) }
                    }
                case .wouldBlock: continue
                case .endOfStream, .failed: break reading
                }
            }
        }
        if let head = reader.head, head.status != 200 { outcome.refusal = Refusal(head, body: body) }
        return outcome
    }

    /// Takes whole lines off the beginning and prints them.
    private static func take(linesOf body: inout [UInt8], _ outcome: inout Outcome) {
        guard let last = body.lastIndex(of: UInt8(ascii: "\n")) else { return }
        for line in body[...last].split(separator: UInt8(ascii: "\n")) {
            StandardOutput.write(line + [UInt8(ascii: "\n")])
            switch Refusal.code(ofAnswer: line) {
            case nil: outcome.published += 1
            case 429, 503: outcome.deferred += 1
            default: outcome.refused += 1
            }
        }
        body.removeSubrange(...last)
    }
}
