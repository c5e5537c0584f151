extension Carrier {
    /// A document in parts, each of which takes the place of the one before it (`multipart/x-mixed-replace`).
    ///
    /// A part is shown once the delimiter behind it is there, so that is sent with it, and not with the next one. A heartbeat
    /// is a field of the part that comes next, for an empty part would be shown, too. Source: the HTML standard,
    /// "multipart/x-mixed-replace"; RFC 2046 §5.1.
    public static let multipart = Carrier(
        "multipart",
        [.isStream, .hasFields, .takesBinary],
        contentType: "multipart/x-mixed-replace; boundary=\(Multipart.boundary)",
        heartbeat: "Perseid-Heartbeat: 1\r\n",
        start: { _, _, output in Multipart.appendDelimiter(to: &output) },
        message: { message, output in Multipart.append(message, to: &output) }
    )
}

private enum Multipart {
    /// Of this process: all readers of a feed are sent the same bytes. 128 bits that nobody guesses, as 32 digits.
    static let boundary = "perseid-" + String((0..<32).map { _ in "0123456789abcdef".randomElement() ?? "0" })

    static func appendDelimiter(to output: inout ByteBuffer) {
        output.append("--")
        output.append(utf8: boundary)
        output.append("\r\n")
    }

    static func append(_ message: Carrier.Message, to output: inout ByteBuffer) {
        output.append(field: "Content-Type", type(of: message.content))
        // Only somebody who wants to forge a part publishes what holds the delimiter; no line begins within JSON.
        if message.content == .text || message.content == .bytes, message.data.contains(boundary) {
            output.append(field: "Content-Transfer-Encoding", "base64")
            appendHeadEnd(of: message, byteCount: Base64.encodedCount(message.data.count), to: &output)
            Base64.encode(message.data, to: &output)
        } else if message.content == .envelope, let cursor = message.cursor {
            appendHeadEnd(of: message, byteCount: message.data.count + Envelope.cursorByteCount(cursor), to: &output)
            output.append(message.data)
            Envelope.addCursor(cursor, to: &output)
        } else {
            appendHeadEnd(of: message, byteCount: message.data.count, to: &output)
            output.append(message.data)
        }
        output.append("\r\n")
        appendDelimiter(to: &output)
    }

    private static func appendHeadEnd(of message: Carrier.Message, byteCount: Int, to output: inout ByteBuffer) {
        output.append(field: "Content-Length", UInt64(clamping: byteCount))
        if let cursor = message.cursor {
            output.append("Perseid-Cursor: ")
            output.append(cursor)
            output.append("\r\n")
        }
        output.appendHeadEnd()
    }

    private static func type(of content: Carrier.Content) -> StaticString {
        switch content {
        case .envelope, .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        case .bytes: "application/octet-stream"
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether some text is among the bytes.
    fileprivate func contains(_ text: String) -> Bool {
        let sought = Array(text.utf8)
        guard let first = sought.first, count >= sought.count else { return false }
        return (0...count - sought.count).contains { start in
            self[start] == first && self[start..<start + sought.count].elementsEqual(sought)
        }
    }
}
