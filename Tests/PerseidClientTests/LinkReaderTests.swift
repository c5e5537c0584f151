import Broker
import Testing
import Wire

@testable import PerseidClient

/// What comes over a link, in pieces of any size, and with any of its bytes changed.
@Suite struct LinkReaderTests {
    private static let messages = [
        #"{"type":"welcome","session":"s.t","node":"n","heartbeat":25}"#,
        #"{"type":"subscribed","channel":"a","position":"1-0","recovered":true}"#,
        #"{"type":"message","channel":"a","position":"2-0","data":{"n":[1,"ü\n"]}}"#,
        #"{"type":"message","channel":"ä/b","position":"3-0","data64":"AP8="}"#,
        #"{"type":"gap","channel":"a","from":"2-0","to":"9-0"}"#, #"{"type":"later version","more":1}"#,
        #"{"type":"error","id":"token","code":401,"message":"no","retry":5}"#,
        #"{"type":"bye","code":4000,"reason":"drain","reconnect":true,"after":1500}"#,
    ]

    private static func bytes(_ transport: Transport) -> [UInt8] {
        switch transport {
        case .eventStream:
            Array(messages.map { "id: a@1-0,%C3%A4%2Fb@2-0\nevent: x\ndata: \($0)\n\n: hb\n" }.joined().utf8)
        case .jsonStream: Array(messages.map { "\($0.dropLast()),\"cursor\":\"a@1-0\"}\n\n" }.joined().utf8)
        case .webSocket, .longPoll: frames()
        }
    }

    private static func frames() -> [UInt8] {
        var output = ByteBuffer()
        for message in messages {
            let json = Array(message.utf8)
            json.withUnsafeBytes { bytes in
                let half = bytes.count / 2
                let parts = (
                    UnsafeRawBufferPointer(rebasing: bytes[..<half]), UnsafeRawBufferPointer(rebasing: bytes[half...])
                )
                WebSocketEncoder.appendFrame(.text, payload: parts.0, isFinal: false, to: &output)
                WebSocketEncoder.appendPing(UnsafeRawBufferPointer(rebasing: bytes[..<9]), to: &output)
                WebSocketEncoder.appendFrame(.continuation, payload: parts.1, to: &output)
                WebSocketEncoder.appendText(bytes, to: &output)
            }
        }
        WebSocketEncoder.appendClose(.goingAway, to: &output)
        return Array(output.bytes)
    }

    private static func reader(_ transport: Transport) -> any LinkReader {
        switch transport {
        case .eventStream: EventStreamReader(messageBytesMax: 10_000)
        case .jsonStream: JSONStreamReader(messageBytesMax: 10_000)
        case .webSocket, .longPoll: WebSocketReader(messageBytesMax: 10_000)
        }
    }

    /// What is found, in words, with how it ended.
    private func read(_ bytes: [UInt8], _ transport: Transport, pieces size: Int) -> [String] {
        let reader = Self.reader(transport)
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            do throws(PerseidError) {
                let outcome = piece.withUnsafeBytes { piece in
                    Result { () throws(PerseidError) in
                        try reader.take(piece) { finding in
                            switch finding {
                            case .message(let message, let cursor): found.append("\(message) \(cursor?.text ?? "-")")
                            // Its mask is drawn.
                            case .answer(let frames): found.append("answer of \(frames.count)")
                            case .close(let error): found.append("close \(error)")
                            }
                        }
                    }
                }
                try outcome.get()
            } catch {
                found.append("failed: \(error)")
                break
            }
        }
        return found
    }

    @Test("pieces of any size say the same", arguments: [Transport.webSocket, .eventStream, .jsonStream])
    func pieces(_ transport: Transport) {
        let bytes = Self.bytes(transport)
        let whole = read(bytes, transport, pieces: bytes.count)
        #expect(whole.count == (transport == .webSocket ? 3 * Self.messages.count + 1 : Self.messages.count))
        #expect(!whole.contains { $0.hasPrefix("failed") })
        for size in [1, 2, 3, 7, 64, 500] { #expect(read(bytes, transport, pieces: size) == whole, "\(size)") }
    }

    @Test(
        "whatever bytes come nothing traps, and pieces say the same",
        arguments: [Transport.webSocket, .eventStream, .jsonStream]
    )
    func changed(_ transport: Transport) {
        let original = Self.bytes(transport)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1_500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.insert(bytes[place], at: place)
                default: bytes.remove(at: place)
                }
            }
            let whole = read(bytes, transport, pieces: bytes.count)
            let size = Int.random(in: 1...40, using: &random)
            #expect(read(bytes, transport, pieces: size) == whole, "pieces of \(size): \(bytes)")
        }
    }

    @Test("answers to questions with any of their bytes changed are read or refused")
    func answers() {
        let history = Array(
            #"{"channel":"a","publications":[{"position":"1-0","data":1},{"position":"2-0","data64":"AP8="}],"position":"2-0","more":true}"#
                .utf8
        )
        let presence = Array(
            #"{"channel":"a","count":1,"members":[{"id":"x","node":"n","transport":"websocket","since":17,"user":"u","info":{"a":1}}]}"#
                .utf8
        )
        let poll = Array(
            #"{"cursor":"a@2-0","publications":[{"channel":"a","position":"2-0","data":1}],"recovered":false,"gaps":[{"channel":"a","from":"1-0","to":"2-0"}]}"#
                .utf8
        )
        for original in [history, presence, poll] {
            for _ in 0..<2_000 {
                var bytes = original
                bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255)
                if Bool.random() { bytes.removeLast(Int.random(in: 0..<bytes.count)) }
                _ = try? HistoryPage(bytes, of: "a")
                _ = try? Presence(bytes)
                _ = bytes.withUnsafeBytes { try? PollAnswer($0) }
                _ = PublicationAnswer(bytes)
            }
        }
        #expect(throws: Never.self) { try HistoryPage(history, of: "a") }
        #expect(throws: Never.self) { try Presence(presence) }
    }
}
