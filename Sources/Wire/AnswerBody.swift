/// Writes the JSON bodies of answers to requests. Names and texts are UTF-8 and are escaped here; what an answer lists is
/// written by whoever has it, an item at a time.
public enum AnswerBody {
    /// `{"error":{"code":…,"message":…,"field":…,"channel":…},"id":…}`: why something is not done, which part of it is at fault where
    /// that is one, which channel where several are asked for, after how long it may be done where that is known, and which of several
    /// it is where it has an id.
    public static func appendError(
        status: Int,
        message: String,
        field: StaticString?,
        channel: String? = nil,
        retryMilliseconds: UInt64? = nil,
        id: [UInt8]? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"error\":{\"code\":")
        buffer.append(decimal: UInt64(clamping: status))
        buffer.append(",\"message\":")
        buffer.appendJSONString(message)
        if let field {
            buffer.append(",\"field\":")
            buffer.appendJSONString(field)
        }
        if let channel {
            buffer.append(",\"channel\":")
            buffer.appendJSONString(channel)
        }
        if let retryMilliseconds {
            buffer.append(",\"retry\":")
            buffer.append(decimal: retryMilliseconds)
        }
        buffer.append("}")
        if let id {
            buffer.append(",\"id\":")
            buffer.append(id)
        }
        buffer.append("}")
    }

    /// `{"channel":…,"position":…,"id":…}`: where a publication stands, and which of several it is where it has an id.
    public static func appendPublished(
        channel: UnsafeRawBufferPointer,
        position: Envelope.Position,
        id: [UInt8]? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"channel\":")
        buffer.appendJSONString(channel)
        Envelope.append(",\"position\":", position, to: &buffer)
        if let id {
            buffer.append(",\"id\":")
            buffer.append(id)
        }
        buffer.append("}")
    }

    /// `{"channel":…,"data":…}`: what a service answers, which is JSON.
    public static func appendResult(channel: UnsafeRawBufferPointer, data: [UInt8], to buffer: inout ByteBuffer) {
        buffer.append("{\"channel\":")
        buffer.appendJSONString(channel)
        buffer.append(",\"data\":")
        buffer.append(data)
        buffer.append("}")
    }

    /// `{"channel":…,"subscribers":…,"nodes":…,"position":…}`: what is known of a channel.
    public static func appendFacts(
        channel: UnsafeRawBufferPointer,
        subscribers: Int,
        nodes: Int,
        position: Envelope.Position,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"channel\":")
        buffer.appendJSONString(channel)
        buffer.append(",\"subscribers\":")
        buffer.append(decimal: UInt64(clamping: subscribers))
        buffer.append(",\"nodes\":")
        buffer.append(decimal: UInt64(clamping: nodes))
        Envelope.append(",\"position\":", position, to: &buffer)
        buffer.append("}")
    }

    /// `{"channel":…,"publications":[…],"position":…}`, and whether there is more, and whether nothing is missing, where that
    /// is known.
    public static func appendHistory<Publication>(
        channel: UnsafeRawBufferPointer,
        publications: some Sequence<Publication>,
        position: Envelope.Position,
        hasMore: Bool,
        isRecovered: Bool?,
        to buffer: inout ByteBuffer,
        _ append: (Publication, inout ByteBuffer) -> Void
    ) {
        buffer.append("{\"channel\":")
        buffer.appendJSONString(channel)
        buffer.append(",\"publications\":")
        buffer.append(list: publications, append)
        Envelope.append(",\"position\":", position, to: &buffer)
        if hasMore { buffer.append(",\"more\":true") }
        if let isRecovered { buffer.append(isRecovered ? ",\"recovered\":true" : ",\"recovered\":false") }
        buffer.append("}")
    }

    /// `{"cursor":…,"publications":[…]`: the beginning of what a poll is answered; `appendPollEnd` follows.
    public static func appendPoll<Publication>(
        cursor: String,
        publications: some Sequence<Publication>,
        to buffer: inout ByteBuffer,
        _ append: (Publication, inout ByteBuffer) -> Void
    ) {
        buffer.append("{\"cursor\":")
        buffer.appendJSONString(cursor)
        buffer.append(",\"publications\":")
        buffer.append(list: publications, append)
    }

    /// The end of what a poll is answered: what is missing, or, to a client that said where it stands, that nothing is.
    public static func appendPollEnd<Gap>(
        gaps: [Gap],
        hasCursor: Bool,
        to buffer: inout ByteBuffer,
        _ append: (Gap, inout ByteBuffer) -> Void
    ) {
        if !gaps.isEmpty {
            buffer.append(",\"recovered\":false,\"gaps\":")
            buffer.append(list: gaps, append)
        } else if hasCursor {
            buffer.append(",\"recovered\":true")
        }
        buffer.append("}")
    }

    /// `{"channel":…,"count":…,"members":[…]}`: who is subscribed.
    public static func appendPresence(
        channel: UnsafeRawBufferPointer,
        count: Int,
        members: [PresentMember],
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{")
        appendMembers(of: channel, count: count, members, to: &buffer)
    }

    /// The same without its first brace.
    static func appendMembers(
        of channel: UnsafeRawBufferPointer,
        count: Int,
        _ members: [PresentMember],
        to buffer: inout ByteBuffer
    ) {
        buffer.append("\"channel\":")
        buffer.appendJSONString(channel)
        buffer.append(",\"count\":")
        buffer.append(decimal: UInt64(clamping: count))
        buffer.append(",\"members\":")
        buffer.append(list: members, append)
        buffer.append("}")
    }

    /// `{"id":…,"node":…,"transport":…,"since":…,"user":…,"info":…}`: who it is, where and how, since when.
    private static func append(_ member: PresentMember, to buffer: inout ByteBuffer) {
        buffer.append("{\"id\":")
        buffer.appendJSONString(member.id)
        buffer.append(",\"node\":")
        buffer.appendJSONString(member.node)
        buffer.append(",\"transport\":")
        buffer.appendJSONString(member.transport)
        buffer.append(",\"since\":")
        buffer.append(decimal: member.sinceMilliseconds)
        if let user = member.user {
            buffer.append(",\"user\":")
            buffer.append(user)
        }
        if let info = member.info {
            buffer.append(",\"info\":")
            buffer.append(info)
        }
        buffer.append("}")
    }

    /// That a node lives.
    public static let alive: StaticString = "{\"status\":\"alive\"}"

    /// That a node takes clients.
    public static let ready: StaticString = "{\"status\":\"ready\"}"

    /// `{"status":"ready","reason":…}`: that it does, and what of its backplane is not there all the same.
    public static func appendReady(hinderedBy reason: String, to buffer: inout ByteBuffer) {
        buffer.append("{\"status\":\"ready\",\"reason\":")
        buffer.appendJSONString(reason)
        buffer.append("}")
    }

    /// `{"error":{"code":…,"message":…,"reason":…}}`: why a node is not ready.
    public static func appendTrouble(
        status: Int,
        message: StaticString,
        reason: String,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"error\":{\"code\":")
        buffer.append(decimal: UInt64(clamping: status))
        buffer.append(",\"message\":\"")
        buffer.append(message)
        buffer.append("\",\"reason\":")
        buffer.appendJSONString(reason)
        buffer.append("}}")
    }
}

extension ByteBuffer {
    /// Appends a JSON array, whose items `append` writes.
    public mutating func append<Item>(list items: some Sequence<Item>, _ append: (Item, inout ByteBuffer) -> Void) {
        self.append("[")
        var isFirst = true
        for item in items {
            if !isFirst { self.append(",") }
            isFirst = false
            append(item, &self)
        }
        self.append("]")
    }
}
