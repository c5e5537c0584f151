import Foundation
import TestInflater
import Wire

/// A WebSocket to a node, as a client has it.
final class WebSocketClient {
    enum Frame: Equatable {
        case text(String)
        case binary([UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(Int, String)
        case failure(WebSocketFailure)
    }

    static let handshake: [(String, String)] = [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]

    let client: TestClient
    private var decoder = WebSocketDecoder(role: .client, messageBytesMax: 1 << 24)
    /// What the node agreed to, and what inflates what it compresses, if that is anything.
    private(set) var extensions: String?
    private var inflater: StreamInflater?
    private var inflatesAlone = false
    /// Messages that came compressed.
    private(set) var compressedCount = 0
    private var frames: [Frame] = []
    private var nextMask: UInt32 = 0x37FA_213D

    init(_ client: TestClient, _ query: String, path: String = "/ws", fields: [(String, String)] = []) throws {
        self.client = client
        try client.sendRequest("GET", "\(path)\(query)", Self.handshake + fields)
        let head = try client.readHead()
        guard head.hasPrefix("HTTP/1.1 101 ") else { throw TestFailure("no WebSocket: \(head)") }
        extensions = HTTPAnswer(status: 101, head: head, body: [])["Sec-WebSocket-Extensions"]
        guard let extensions else { return }
        decoder = WebSocketDecoder(role: .client, messageBytesMax: 1 << 24, allowsCompression: true)
        inflater = makeInflater()
        inflatesAlone = extensions.contains("server_no_context_takeover")
    }

    /// One that keeps no more than was agreed to.
    private func makeInflater() -> StreamInflater {
        let said = extensions?.split(separator: "server_max_window_bits=").dropFirst().first
        return StreamInflater(.deflate(windowBits: said.flatMap { Int32($0.prefix { $0.isNumber }) } ?? 15))
    }

    private func takeCompressed(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        compressedCount += 1
        if inflatesAlone { inflater = makeInflater() }
        guard let message = inflater?.inflate(message: payload) else {
            return frames.append(.failure(.reservedBitSet))
        }
        frames.append(opcode == .text ? .text(String(decoding: message, as: UTF8.self)) : .binary(message))
    }

    /// Goes on behind a handshake that was made by hand.
    init(openedOn client: TestClient) { self.client = client }

    // MARK: Sending

    func send(_ command: String) throws { try send(.text, Array(command.utf8)) }

    func send(
        _ opcode: WebSocketOpcode,
        _ payload: [UInt8],
        isFinal: Bool = true,
        isCompressed: Bool = false,
        isMasked: Bool = true
    ) throws {
        nextMask = nextMask &* 1_664_525 &+ 1_013_904_223
        var output = ByteBuffer()
        payload.withUnsafeBytes {
            WebSocketEncoder.appendFrame(
                opcode,
                payload: $0,
                isFinal: isFinal,
                isCompressed: isCompressed,
                mask: isMasked ? nextMask : nil,
                to: &output
            )
        }
        try client.send(Array(output.bytes))
    }

    /// Sends texts in one write, each in a frame of its own.
    func sendTogether(_ texts: [String]) throws {
        var output = ByteBuffer()
        for text in texts {
            Array(text.utf8).withUnsafeBytes { WebSocketEncoder.appendText($0, mask: nextMask, to: &output) }
        }
        try client.send(Array(output.bytes))
    }

    func sendClose(_ code: UInt16?) throws {
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? []
        try send(.close, payload)
    }

    // MARK: Receiving

    /// Decodes what was received.
    private func decode() {
        var bytes = client.takeAll()
        var consumed = 0
        bytes.withUnsafeMutableBytes { bytes in
            while true {
                switch decoder.next(in: bytes, consumed: &consumed) {
                case .needMore: return
                case .text(let text): frames.append(.text(String(decoding: text, as: UTF8.self)))
                case .binary(let bytes): frames.append(.binary(Array(bytes)))
                case .ping(let bytes): frames.append(.ping(Array(bytes)))
                case .pong(let bytes): frames.append(.pong(Array(bytes)))
                case .close(let code, let reason):
                    frames.append(.close(Int(code.rawValue), String(decoding: reason, as: UTF8.self)))
                case .failure(let failure): frames.append(.failure(failure))
                case .compressed(let opcode, let payload): takeCompressed(opcode, Array(payload))
                }
            }
        }
        client.putBack(Array(bytes[consumed...]))
    }

    /// The next frame, or `nil` at the end of the connection.
    func nextFrame(within seconds: Double = patience) throws -> Frame? {
        if frames.isEmpty {
            let isThere = try client.receive(within: seconds) {
                decode()
                return !frames.isEmpty
            }
            if !isThere { return nil }
        }
        return frames.removeFirst()
    }

    /// The frames that are there now or come without waiting.
    func framesNow() -> [Frame] {
        while client.receiveNow() {}
        return decodedFrames()
    }

    /// The frames among what was received.
    func decodedFrames() -> [Frame] {
        decode()
        defer { frames = [] }
        return frames
    }

    /// The next text message. Heartbeats are let by, which a slow machine has come meanwhile, and what is to be answered is, as clients do.
    func next(within seconds: Double = patience) throws -> Message {
        let end = monotonicMilliseconds + seconds * 1_000
        while true {
            switch try nextFrame(within: max(end - monotonicMilliseconds, 0) / 1_000) {
            case .text(let text)?: return try Message(text)
            case .ping(let payload)?: try send(.pong, payload)
            case .pong([])?: continue
            case let frame: throw TestFailure("not a text: \(String(describing: frame))")
            }
        }
    }

    /// The next message, which must be of a type.
    @discardableResult
    func next(_ type: String, within seconds: Double = patience) throws -> Message {
        let message = try next(within: seconds)
        guard message.type == type else { throw TestFailure("expected \(type), got \(message)") }
        return message
    }

    /// Takes `welcome` and one `subscribed` for each channel.
    @discardableResult
    func begin(_ channelCount: Int = 1) throws -> [Message] {
        try next("welcome")
        return try (0..<channelCount).map { _ in try next("subscribed") }
    }

    /// The close frame that must be next.
    func nextClose(within seconds: Double = patience) throws -> (code: Int, reason: String) {
        let frame = try nextFrame(within: seconds)
        guard case .close(let code, let reason)? = frame else {
            throw TestFailure("not a close frame: \(String(describing: frame))")
        }
        return (code, reason)
    }

    func close() { client.close() }
}

extension TestNode {
    func webSocket(
        _ query: String = "",
        receiveBytes: Int32? = nil,
        fields: [(String, String)] = []
    ) throws -> WebSocketClient {
        try WebSocketClient(connect(receiveBytes: receiveBytes), query, fields: fields)
    }
}
