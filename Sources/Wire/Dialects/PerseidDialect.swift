extension Dialect {
    /// Perseid's JSON: each message is an object with its type.
    public static let perseid = Dialect(
        publication: { publication, _, output in
            Envelope.appendMessage(
                channel: publication.channel,
                position: publication.position,
                key: publication.key,
                isSnapshot: publication.isSnapshot,
                payload: publication.payload,
                to: &output
            )
            return .envelope
        },
        control: { message, output in message.appendEnvelope(to: &output) },
        commands: { (message, countMax) throws(ClientCommandError) in
            try ClientCommand.ranges(in: message, countMax: countMax)
        },
        command: { (message) throws(ClientCommandError) in try ClientCommand(message) },
        hasControlMessages: true
    )
}

extension ControlMessage {
    /// Appends it in Perseid's JSON.
    fileprivate func appendEnvelope(to output: inout ByteBuffer) {
        switch self {
        case .welcome(let session, let node, let heartbeatSeconds):
            Envelope.appendWelcome(session: session, node: node, heartbeatSeconds: heartbeatSeconds, to: &output)
        case .subscribed(let id, let channel, let position, let isRecovered, let isKeyed, let maxRate):
            Self.with(id, channel) {
                Envelope.appendSubscribed(
                    id: $0,
                    channel: $1,
                    position: position,
                    recovered: isRecovered,
                    isKeyed: isKeyed,
                    maxRate: maxRate,
                    to: &output
                )
            }
        case .unsubscribed(let id, let channel):
            Self.with(id, channel) { Envelope.appendUnsubscribed(id: $0, channel: $1, to: &output) }
        case .published(let id, let channel, let position):
            Self.with(id, channel) { Envelope.appendPublished(id: $0, channel: $1, position: position, to: &output) }
        case .gap(let channel, let from, let to):
            Self.with(nil, channel) { Envelope.appendGap(channel: $1, from: from, to: to, into: &output) }
        case .presence(let id, let channel, let count, let members):
            Self.with(id, channel) {
                Envelope.appendPresence(id: $0, channel: $1, count: count, members: members, to: &output)
            }
        case .result(let id, let channel, let data):
            Self.with(id, channel) { Envelope.appendResult(id: $0, channel: $1, data: data, to: &output) }
        case .error(let id, let channel, let code, let message, let retry):
            Self.with(id, "") { id, _ in
                Envelope.appendError(
                    id: id,
                    channel: channel,
                    code: code,
                    message: message,
                    retryMilliseconds: retry,
                    to: &output
                )
            }
        case .authenticated(let id, let user, let endMilliseconds):
            Self.with(id, "") { id, _ in
                Envelope.appendAuthenticated(id: id, user: user, endMilliseconds: endMilliseconds, to: &output)
            }
        case .pong(let id): Self.with(id, "") { id, _ in Envelope.appendPong(id: id, to: &output) }
        case .bye(let code, let reason, let mayReconnect, let afterMilliseconds):
            Envelope.appendBye(
                code: code,
                reason: reason,
                reconnect: mayReconnect,
                afterMilliseconds: afterMilliseconds,
                to: &output
            )
        }
    }

    /// Lends the bytes of an id and of a name.
    private static func with(
        _ id: [UInt8]?,
        _ name: String,
        _ body: (UnsafeRawBufferPointer?, UnsafeRawBufferPointer) -> Void
    ) {
        var name = name
        name.withUTF8 { name in
            guard let id else { return body(nil, UnsafeRawBufferPointer(name)) }
            id.withUnsafeBytes { body($0, UnsafeRawBufferPointer(name)) }
        }
    }
}
