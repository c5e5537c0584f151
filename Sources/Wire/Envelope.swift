/// Writes the JSON messages from a node to its clients, each one line without line break.
///
/// Channels, payloads and ids come as bytes: channels and texts are UTF-8 and are escaped here; JSON payloads are valid
/// and without raw line breaks (see `JSONText`) and are embedded as they are; ids are a client's own JSON, echoed.
public enum Envelope {
    /// The two numbers of a position, written `"<milliseconds>-<sequence>"`.
    public typealias Position = (milliseconds: UInt64, sequence: UInt64)

    /// The content of a publication.
    public enum Payload {
        /// A JSON text: `"data":<it>`.
        case json(UnsafeRawBufferPointer)
        /// UTF-8: `"data":"<escaped>"`.
        case text(UnsafeRawBufferPointer)
        /// Any bytes: `"data64":"<base64>"`.
        case binary(UnsafeRawBufferPointer)
        /// Nothing, where there was something under its key: `"removed":true`.
        case removal
    }

    /// A publication. One that is fire-and-forget has no position; `key` is what it is about, where its publisher said so.
    /// `isSnapshot` tells a newcomer that it was there before.
    public static func appendMessage(
        channel: UnsafeRawBufferPointer,
        position: Position?,
        key: UnsafeRawBufferPointer? = nil,
        isSnapshot: Bool = false,
        payload: Payload,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"message\",\"channel\":")
        buffer.appendJSONString(channel)
        if let position { append(",\"position\":", position, to: &buffer) }
        if let key {
            buffer.append(",\"key\":")
            buffer.appendJSONString(key)
        }
        if isSnapshot { buffer.append(",\"snapshot\":true") }
        switch payload {
        case .json(let text):
            buffer.append(",\"data\":")
            buffer.append(text)
            buffer.append("}")
        case .text(let text):
            buffer.append(",\"data\":")
            buffer.appendJSONString(text)
            buffer.append("}")
        case .binary(let bytes):
            buffer.append(",\"data64\":\"")
            Base64.encode(bytes, to: &buffer)
            buffer.append("\"}")
        case .removal: buffer.append(",\"removed\":true}")
        }
    }

    /// The first message of a connection. `session` is the token to resume with, if there is a session.
    public static func appendWelcome(
        session: String?,
        node: String,
        heartbeatSeconds: UInt64,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"welcome\"")
        if let session {
            buffer.append(",\"session\":")
            buffer.appendJSONString(session)
        }
        buffer.append(",\"node\":")
        buffer.appendJSONString(node)
        buffer.append(",\"heartbeat\":")
        buffer.append(decimal: heartbeatSeconds)
        buffer.append("}")
    }

    /// The answer to `subscribe`, or what a connection that named its channels when it was made is told. `position` is
    /// where the channel stands; `recovered` says whether everything since the client's position follows, if it gave one. In a keyed
    /// channel that is the newest of each key, and so it is whenever the client was not there. `maxRate` is a number: batches a second, at
    /// most, of what follows.
    public static func appendSubscribed(
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        position: Position?,
        recovered: Bool?,
        isKeyed: Bool = false,
        maxRate: String? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendAnswer("{\"type\":\"subscribed\"", id: id, channel: channel, to: &buffer)
        if let position { append(",\"position\":", position, to: &buffer) }
        if let recovered { buffer.append(recovered ? ",\"recovered\":true" : ",\"recovered\":false") }
        if isKeyed { buffer.append(",\"keyed\":true") }
        if var maxRate {
            buffer.append(",\"max-rate\":")
            maxRate.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
        }
        buffer.append("}")
    }

    /// The answer to `unsubscribe`.
    public static func appendUnsubscribed(
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer
    ) {
        appendAnswer("{\"type\":\"unsubscribed\"", id: id, channel: channel, to: &buffer)
        buffer.append("}")
    }

    /// The answer to `publish`: the publication is in the backplane, at this position if it is kept in history.
    public static func appendPublished(
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        position: Position?,
        to buffer: inout ByteBuffer
    ) {
        appendAnswer("{\"type\":\"published\"", id: id, channel: channel, to: &buffer)
        if let position { append(",\"position\":", position, to: &buffer) }
        buffer.append("}")
    }

    /// Publications after `from` and before or at `to` are lost to this client.
    public static func appendGap(
        channel: UnsafeRawBufferPointer,
        from: Position,
        to position: Position,
        into buffer: inout ByteBuffer
    ) {
        appendAnswer("{\"type\":\"gap\"", id: nil, channel: channel, to: &buffer)
        append(",\"from\":", from, to: &buffer)
        append(",\"to\":", position, to: &buffer)
        buffer.append("}")
    }

    /// The answer to `presence`.
    public static func appendPresence(
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        count: Int,
        members: [PresentMember],
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"presence\"")
        appendID(id, to: &buffer)
        buffer.append(",")
        AnswerBody.appendMembers(of: channel, count: count, members, to: &buffer)
    }

    /// The answer to a `call`.
    public static func appendResult(
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        data: [UInt8],
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"result\"")
        appendID(id, to: &buffer)
        buffer.append(",\"channel\":")
        buffer.appendJSONString(channel)
        buffer.append(",\"data\":")
        buffer.append(data)
        buffer.append("}")
    }

    /// A command that failed, or with no id: a message that could not be read. `channel` is the one that the client does not get, or
    /// has no longer. `code` is an HTTP status; `retry` says after how many milliseconds asking again is of use.
    public static func appendError(
        id: UnsafeRawBufferPointer?,
        channel: String? = nil,
        code: UInt16,
        message: String,
        retryMilliseconds: UInt64? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"error\"")
        appendID(id, to: &buffer)
        if let channel {
            buffer.append(",\"channel\":")
            buffer.appendJSONString(channel)
        }
        buffer.append(",\"code\":")
        buffer.append(decimal: UInt64(code))
        buffer.append(",\"message\":")
        buffer.appendJSONString(message)
        if let retryMilliseconds {
            buffer.append(",\"retry\":")
            buffer.append(decimal: retryMilliseconds)
        }
        buffer.append("}")
    }

    /// The answer to `authenticate`: who the client is, and when that ends, in seconds since 1970 as tokens have it.
    public static func appendAuthenticated(
        id: UnsafeRawBufferPointer?,
        user: String?,
        endMilliseconds: UInt64?,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"authenticated\"")
        appendID(id, to: &buffer)
        if let user {
            buffer.append(",\"user\":")
            buffer.appendJSONString(user)
        }
        if let endMilliseconds {
            buffer.append(",\"expires\":")
            buffer.append(decimal: endMilliseconds / 1_000)
        }
        buffer.append("}")
    }

    /// The answer to `ping`.
    public static func appendPong(id: UnsafeRawBufferPointer?, to buffer: inout ByteBuffer) {
        buffer.append("{\"type\":\"pong\"")
        appendID(id, to: &buffer)
        buffer.append("}")
    }

    /// The last message of a connection. `code` is a WebSocket close code, on every transport; `reconnect` says whether
    /// the client should come back, `afterMilliseconds` not before when.
    public static func appendBye(
        code: UInt16,
        reason: String,
        reconnect: Bool,
        afterMilliseconds: UInt64,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"bye\",\"code\":")
        buffer.append(decimal: UInt64(code))
        buffer.append(",\"reason\":")
        buffer.appendJSONString(reason)
        buffer.append(reconnect ? ",\"reconnect\":true,\"after\":" : ",\"reconnect\":false,\"after\":")
        buffer.append(decimal: afterMilliseconds)
        buffer.append("}")
    }

    /// Adds where a client stands once it has the message that `buffer` ends with. Nothing in a cursor needs an escape.
    public static func addCursor(_ cursor: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        // In place of the brace that closes the message.
        buffer.truncate(to: buffer.count - 1)
        buffer.append(cursorStart)
        buffer.append(cursor)
        buffer.append("\"}")
    }

    private static let cursorStart: StaticString = ",\"cursor\":\""

    /// Bytes that `addCursor` adds.
    public static func cursorByteCount(_ cursor: UnsafeRawBufferPointer) -> Int {
        cursorStart.utf8CodeUnitCount + cursor.count + 1
    }

    /// The payload by itself, as one JSON value: `null` where there is none any more.
    public static func appendValue(_ payload: Payload, to buffer: inout ByteBuffer) {
        switch payload {
        case .json(let text): buffer.append(text)
        case .text(let text): buffer.appendJSONString(text)
        case .binary(let bytes):
            buffer.append("\"")
            Base64.encode(bytes, to: &buffer)
            buffer.append("\"")
        case .removal: buffer.append("null")
        }
    }

    private static func appendAnswer(
        _ start: StaticString,
        id: UnsafeRawBufferPointer?,
        channel: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer
    ) {
        buffer.append(start)
        appendID(id, to: &buffer)
        buffer.append(",\"channel\":")
        buffer.appendJSONString(channel)
    }

    private static func appendID(_ id: UnsafeRawBufferPointer?, to buffer: inout ByteBuffer) {
        guard let id else { return }
        buffer.append(",\"id\":")
        buffer.append(id)
    }

    /// Appends a member whose value is a position.
    public static func append(_ name: StaticString, _ position: Position, to buffer: inout ByteBuffer) {
        buffer.append(name)
        buffer.append(UInt8(ascii: "\""))
        buffer.append(decimal: position.milliseconds)
        buffer.append(UInt8(ascii: "-"))
        buffer.append(decimal: position.sequence)
        buffer.append(UInt8(ascii: "\""))
    }
}
