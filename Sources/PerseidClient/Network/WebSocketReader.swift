internal import Broker
internal import TLS
internal import Wire

/// Reads what a node sends over a WebSocket, and answers its pings.
final class WebSocketReader: LinkReader {
    /// What the node proves with that it read the handshake as one. Source: RFC 6455 §4.1.
    let key: String

    private var decoder: WebSocketDecoder
    private let messageBytesMax: Int

    /// Frames that are not whole.
    private var pending: [UInt8] = []

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
        decoder = WebSocketDecoder(role: .client, messageBytesMax: messageBytesMax)
        key = Self.base64((0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        var text = ByteBuffer()
        bytes.withUnsafeBytes { Base64.encode($0, to: &text) }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    func objection(to head: AnswerHead) -> PerseidError? {
        guard head.status == 101 else {
            return PerseidError(code: head.status, message: "what answers is no WebSocket")
        }
        let proof = Self.base64(Digest.sha1(Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
        return head["sec-websocket-accept"] == proof ? nil : .nonsense("what answers did not read the WebSocket's key")
    }

    func take(_ bytes: UnsafeRawBufferPointer, _ found: (LinkFinding) -> Void) throws(PerseidError) {
        pending += bytes
        var consumed = 0
        var fault: PerseidError?
        pending.withUnsafeMutableBytes { frames in
            do throws(PerseidError) {
                while try takeNext(in: frames, &consumed, found) {}
            } catch {
                fault = error
            }
        }
        decoder.releaseDelivered()
        pending.removeSubrange(..<consumed)
        if let fault { throw fault }
    }

    /// Takes the next frame that is whole; says whether there was one.
    private func takeNext(
        in frames: UnsafeMutableRawBufferPointer,
        _ consumed: inout Int,
        _ found: (LinkFinding) -> Void
    ) throws(PerseidError) -> Bool {
        switch decoder.next(in: frames, consumed: &consumed) {
        case .needMore: return false
        case .text(let json): found(.message(try ServerMessage(json), nil))
        case .ping(let payload): found(.answer(Self.frame(.pong, payload)))
        case .pong: break
        case .close(let code, let reason):
            let text = String(decoding: reason, as: UTF8.self)
            found(.close(PerseidError(code: Int(clamping: code.rawValue), message: text, isFinal: false)))
        case .failure(.messageTooBig): throw .tooBig(messageBytesMax)
        case .failure(let failure): throw .nonsense("\(failure.reason)")
        case .binary, .compressed: throw .nonsense("a WebSocket message that nobody asked for came")
        }
        return true
    }

    /// A frame with a mask of its own, as every frame of a client has.
    static func frame(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer) -> [UInt8] {
        var frame = ByteBuffer()
        WebSocketEncoder.appendFrame(opcode, payload: payload, mask: UInt32.random(in: 1 ... .max), to: &frame)
        return Array(frame.bytes)
    }

    /// The end of a WebSocket that is not wanted any more.
    static var closeFrame: [UInt8] {
        var frame = ByteBuffer()
        WebSocketEncoder.appendClose(.normal, mask: UInt32.random(in: 1 ... .max), to: &frame)
        return Array(frame.bytes)
    }

    /// A word to the node.
    static func frame(_ word: ClientWord) -> [UInt8] {
        var json = ByteBuffer()
        word.append(to: &json)
        return frame(.text, json.bytes)
    }
}
