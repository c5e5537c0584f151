internal import Broker
internal import Wire

/// What a node says, as far as a client acts on it.
enum ServerMessage {
    case welcome(session: String?, node: String?, heartbeatSeconds: UInt64?)
    case subscribed(ChannelName, Broker.Position?, isRecovered: Bool?)
    case unsubscribed(ChannelName)
    case message(ChannelName, Broker.Position?, Payload, Marks = Marks())
    case gap(ChannelName, from: Broker.Position, to: Broker.Position)
    /// `id` is that of the command it answers.
    case error(id: String?, ChannelName?, PerseidError)
    case bye(PerseidError)
    /// Something that is of no use to this client, or of a later version.
    case other

    /// What stands beside a publication.
    struct Marks: Hashable {
        var key: String?
        var isSnapshot = false
    }

    /// Reads one.
    ///
    /// - Throws: where it is none.
    init(_ json: UnsafeRawBufferPointer) throws(PerseidError) {
        guard let fields = JSONFields(json, ["type", "channel", "position", "data", "data64"]),
            let type = fields[0]?.jsonString
        else { throw .nonsense("what came is no message") }
        let name = try Self.channel(fields[1])
        let position = fields[2]?.jsonString.flatMap { Broker.Position($0) }
        guard type == "message" else {
            self = try Self.control(type, name, position, json)
            return
        }
        guard let name else { throw .nonsense("a message without a channel came") }
        let marks = try Self.marks(json)
        self = .message(name, position, try Self.payload(fields.raw(3), fields[4], marks.isRemoval), marks.marks)
    }

    /// Reads a publication in a list of them, all of one channel if that is given.
    init(publication json: UnsafeRawBufferPointer, of channel: ChannelName? = nil) throws(PerseidError) {
        guard let fields = JSONFields(json, ["channel", "position", "data", "data64"]),
            let name = try Self.channel(fields[0]) ?? channel
        else { throw .nonsense("what came is no publication") }
        let position = fields[1]?.jsonString.flatMap { Broker.Position($0) }
        let marks = try Self.marks(json)
        self = .message(name, position, try Self.payload(fields.raw(2), fields[3], marks.isRemoval), marks.marks)
    }

    private static func marks(_ json: UnsafeRawBufferPointer) throws(PerseidError) -> (marks: Marks, isRemoval: Bool) {
        guard let fields = JSONFields(json, ["key", "snapshot", "removed"]) else {
            throw .nonsense("what came is no publication")
        }
        let marks = Marks(key: fields[0]?.jsonString, isSnapshot: fields[1]?.isJSONTrue ?? false)
        return (marks, fields[2]?.isJSONTrue ?? false)
    }

    /// Reads a gap in a list of them.
    init(gap json: UnsafeRawBufferPointer) throws(PerseidError) {
        guard let fields = JSONFields(json, ["channel"]), let name = try Self.channel(fields[0]) else {
            throw .nonsense("what came is no gap")
        }
        self = try Self.control("gap", name, nil, json)
    }

    private static func channel(_ json: UnsafeRawBufferPointer?) throws(PerseidError) -> ChannelName? {
        guard let json else { return nil }
        guard let name = json.jsonString.flatMap({ ChannelName($0) }) else {
            throw .nonsense("a message of what is no channel came")
        }
        return name
    }

    private static func payload(
        _ json: UnsafeRawBufferPointer?,
        _ base64: UnsafeRawBufferPointer?,
        _ isRemoval: Bool
    ) throws(PerseidError) -> Payload {
        if isRemoval { return .removal }
        if let json { return .json(Array(json)) }
        var decoded = ByteBuffer()
        guard var text = base64?.jsonString,
            text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0), to: &decoded) })
        else { throw .nonsense("a message without data came") }
        return .bytes(Array(decoded.bytes))
    }

    private static func control(
        _ type: String,
        _ channel: ChannelName?,
        _ position: Broker.Position?,
        _ json: UnsafeRawBufferPointer
    ) throws(PerseidError) -> ServerMessage {
        switch (type, channel) {
        case ("welcome", _): return welcome(json)
        case ("subscribed", let channel?):
            return .subscribed(channel, position, isRecovered: JSONFields(json, ["recovered"])?[0]?.isJSONTrue)
        case ("unsubscribed", let channel?): return .unsubscribed(channel)
        case ("gap", let channel?):
            let fields = JSONFields(json, ["from", "to"])
            guard let from = fields?[0]?.jsonString.flatMap({ Broker.Position($0) }),
                let to = fields?[1]?.jsonString.flatMap({ Broker.Position($0) })
            else { throw .nonsense("a gap without its ends came") }
            return .gap(channel, from: from, to: to)
        case ("error", _): return error(channel, json)
        case ("bye", _): return bye(json)
        default: return .other
        }
    }

    private static func welcome(_ json: UnsafeRawBufferPointer) -> ServerMessage {
        let fields = JSONFields(json, ["session", "node", "heartbeat"])
        let heartbeat = fields?[2]?.jsonInteger.flatMap { UInt64(exactly: $0) }
        return .welcome(
            session: fields?[0]?.jsonString,
            node: fields?[1]?.jsonString,
            heartbeatSeconds: heartbeat.map { min($0, 86_400) }
        )
    }

    private static func error(_ channel: ChannelName?, _ json: UnsafeRawBufferPointer) -> ServerMessage {
        let fields = JSONFields(json, ["id", "code", "message", "retry"])
        return .error(
            id: fields?[0]?.jsonString,
            channel,
            PerseidError(
                code: fields?[1]?.jsonInteger.flatMap { Int(exactly: $0) } ?? 0,
                message: fields?[2]?.jsonString ?? "",
                channel: channel?.text,
                retryMilliseconds: fields?[3]?.jsonInteger.flatMap { UInt64(exactly: $0) }
            )
        )
    }

    private static func bye(_ json: UnsafeRawBufferPointer) -> ServerMessage {
        let fields = JSONFields(json, ["code", "reason", "reconnect", "after"])
        let mayReturn = fields?[2].map(\.isJSONTrue) ?? true
        return .bye(
            PerseidError(
                code: fields?[0]?.jsonInteger.flatMap { Int(exactly: $0) } ?? 0,
                message: fields?[1]?.jsonString ?? "",
                retryMilliseconds: fields?[3]?.jsonInteger.flatMap { UInt64(exactly: $0) },
                isFinal: !mayReturn
            )
        )
    }
}

/// What this client says over a connection that takes commands.
enum ClientWord {
    case subscribe(ChannelName, since: Broker.Position?)
    case unsubscribe(ChannelName)
    case authenticate(String)
    case ping

    /// The id of `authenticate`, whose answer is told by it.
    static let tokenID = "token"

    /// Its JSON.
    func append(to output: inout ByteBuffer) {
        switch self {
        case .subscribe(let channel, let since):
            output.append("{\"type\":\"subscribe\",\"channel\":")
            output.appendJSONString(channel.text)
            if let since {
                output.append(",\"since\":")
                output.appendJSONString(since.description)
            }
        case .unsubscribe(let channel):
            output.append("{\"type\":\"unsubscribe\",\"channel\":")
            output.appendJSONString(channel.text)
        case .authenticate(let token):
            output.append("{\"type\":\"authenticate\",\"id\":\"token\",\"token\":")
            output.appendJSONString(token)
        case .ping: output.append("{\"type\":\"ping\"")
        }
        output.append("}")
    }
}
