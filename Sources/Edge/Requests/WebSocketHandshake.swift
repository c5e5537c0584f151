internal import Crypto
internal import Hub
internal import Wire

/// The server's half of the opening handshake, RFC 6455 §4.2.
enum WebSocketHandshake {
    private static let magic = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// Why a request cannot become a WebSocket; `nil` if it can.
    static func rejection(_ request: borrowing HTTPRequest) -> HTTPRejection? {
        guard request.head.method == .get, request.head.wantsUpgrade, request.list(.upgrade, has: "websocket") else {
            return HTTPRejection(status: 426, field: "Upgrade", reason: "a WebSocket handshake is needed")
        }
        guard request.field(.secWebSocketVersion, is: "13") else {
            return HTTPRejection(status: 426, field: "Sec-WebSocket-Version", reason: "only version 13 is spoken")
        }
        guard let key = request.text(of: .secWebSocketKey), isKey(key) else {
            return HTTPRejection(status: 400, field: "Sec-WebSocket-Key", reason: "not 16 bytes in base64")
        }
        return nil
    }

    /// 16 bytes in base64 are 22 digits and two signs of equality.
    private static func isKey(_ key: String) -> Bool {
        var decoded = ByteBuffer()
        var copy = key
        return copy.withUTF8 { Base64.decode(UnsafeRawBufferPointer($0), to: &decoded) } && decoded.count == 16
    }

    /// What proves that a key was read as one.
    static func accept(_ key: String) -> String {
        var digest = Insecure.SHA1()
        digest.update(data: Array(key.utf8))
        digest.update(data: magic)
        var text = ByteBuffer()
        digest.finalize().withUnsafeBytes { Base64.encode($0, to: &text) }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// What the answer tells.
    struct Agreement {
        /// That the key was read.
        let accept: String
        /// One of those that were offered, if any.
        let subprotocol: String?

        /// How messages may be compressed, if the client offered it and some rule lets any be.
        let deflate: DeflateAgreement?

        init(_ request: borrowing HTTPRequest, mayCompress: Bool) {
            accept = WebSocketHandshake.accept(request.text(of: .secWebSocketKey) ?? "")
            subprotocol = WebSocketSubprotocols.choose(from: WebSocketSubprotocols.offered(request))
            let offers = mayCompress ? request.texts(of: .secWebSocketExtensions) : []
            deflate = DeflateAgreement(offers: offers)
        }
    }

    /// Appends the answer that switches protocols.
    static func appendAnswer(
        _ agreement: Agreement,
        to output: inout ByteBuffer,
        extraFields: (inout ByteBuffer) -> Void
    ) {
        output.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        output.append(field: "Sec-WebSocket-Accept", utf8: agreement.accept)
        if let subprotocol = agreement.subprotocol {
            output.append(field: "Sec-WebSocket-Protocol", utf8: subprotocol)
        }
        if let deflate = agreement.deflate { output.append(field: "Sec-WebSocket-Extensions", utf8: deflate.text) }
        extraFields(&output)
        output.append("\r\n")
    }
}
