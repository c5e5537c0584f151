internal import Broker
internal import Crypto
internal import Reactor
internal import Wire

// Who is subscribed to the channels that tell it. A member is its session, so it stays the same from connection to
// connection and from node to node; without a session it is its connection.
extension EdgeReactor {
    // MARK: Coming and going

    func enter(_ topic: Topic, _ index: UInt32) {
        let connection = connections[live: index]
        let transport =
            switch connection.pointee.transport {
            case .webSocket: "websocket"
            case .eventStream: "eventstream"
            case .jsonStream: "jsonstream"
            case .http: "poll"
            }
        connection.pointee.flags.insert(.isPresent)
        uplink.post(.enter(topic.name, memberID(index), transport: transport, holder(index)))
    }

    func leave(_ topic: Topic, _ index: UInt32, _ departure: Departure) {
        uplink.post(.leave(topic.name, memberID(index), holder(index), departure))
    }

    /// Leaves all channels. Unless it is known that the client wants to, a session may be resumed and was never gone then.
    func leaveAll(_ index: UInt32, _ departure: Departure? = nil) {
        let connection = connections[live: index]
        guard connection.pointee.flags.contains(.isPresent) else { return }
        connection.pointee.flags.remove(.isPresent)
        let departure = departure ?? (connection.pointee.session == nil ? .clean : .lost)
        for topic in presentTopics(of: index) { leave(topic, index, departure) }
    }

    private func presentTopics(of index: UInt32) -> [Topic] {
        if let poll = connections[live: index].pointee.session?.poll { return poll.topics.filter(\.hasPresence) }
        var topics: [Topic] = []
        var next = connections[live: index].pointee.firstSubscription
        while next != SubscriptionTable.none {
            let reader = subscriptions[next]
            topics += feed(of: reader.pointee.log)?.topics.filter(\.hasPresence) ?? []
            next = reader.pointee.next
        }
        return topics
    }

    private func holder(_ index: UInt32) -> SessionHolder {
        SessionHolder(reactor: self.index, connection: connections.key(ofLive: index).token)
    }

    /// Tells nothing of the token: the id of a session goes through a hash.
    private func memberID(_ index: UInt32) -> MemberID {
        let name: String
        if let link = connections[live: index].pointee.session {
            name = "session \(link.id)"
        } else {
            name = "connection \(memberSeed) \(self.index) \(connections.key(ofLive: index).token)"
        }
        let digest = SHA256.hash(data: Array(name.utf8))
        return MemberID(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    // MARK: Questions

    /// `GET /channels/<name>/presence`
    func askPresence(_ index: UInt32, of channel: ChannelName) {
        guard configuration.hasPresence(channel) else {
            return refuse(index, status: 404, "presence is not switched on for this channel", field: "channel")
        }
        connections[live: index].pointee.flags.insert(.isAnswering)
        ask(.presence(connections.key(ofLive: index), channel, origin: answerOrigin)) { .presence($0, channel) }
    }

    /// What a client may have asked for with one command: members of some 128 bytes each.
    private var presenceBytesMax: Int { limits.presenceMembersMax * 128 }

    /// The command of a WebSocket.
    func askPresence(_ index: UInt32, of channel: ChannelName, id: [UInt8]?) {
        guard configuration.hasPresence(channel) else {
            return sendError(index, id: id, code: 404, "presence is not switched on for this channel")
        }
        beginCommand(index, byteCount: presenceBytesMax)
        ask(.presenceCommand(connections.key(ofLive: index), channel, id: id)) { .presence($0, channel) }
    }

    func answerPresence(_ ticket: Ticket, _ outcome: Result<PresenceList, BackplaneFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .presence(let key, let channel, let origin)?:
            guard let index = answering(key) else { return }
            answerOrigin = origin
            switch outcome {
            case .failure(let failure): refuse(index, failure)
            case .success(let list):
                frame.removeAll()
                frame.append("{")
                append(list, of: channel, to: &frame)
                answer(index, contentType: "application/json", frame.bytes)
            }
        case .presenceCommand(let key, let channel, let id)?:
            endCommand(key, byteCount: presenceBytesMax)
            guard let index = answering(key), !connections[live: index].pointee.flags.contains(.isClosing) else {
                return
            }
            guard case .success(let list) = outcome else {
                return sendError(index, id: id, code: 503, "the backplane is away")
            }
            sendControl(index, "presence") { buffer in
                buffer.append("{\"type\":\"presence\",")
                if let id {
                    buffer.append("\"id\":")
                    id.withUnsafeBytes { buffer.append($0) }
                    buffer.append(",")
                }
                append(list, of: channel, to: &buffer)
            }
        default: break
        }
    }

    private func append(_ list: PresenceList, of channel: ChannelName, to buffer: inout ByteBuffer) {
        buffer.append("\"channel\":")
        buffer.appendJSONString(channel.text)
        buffer.append(",\"count\":")
        buffer.append(decimal: UInt64(clamping: list.count))
        buffer.append(",\"members\":[")
        for (number, member) in list.members.enumerated() {
            if number > 0 { buffer.append(",") }
            buffer.append("{\"id\":")
            buffer.appendJSONString(member.id.description)
            buffer.append(",\"node\":")
            buffer.appendJSONString(member.node)
            buffer.append(",\"transport\":")
            buffer.appendJSONString(member.transport)
            buffer.append(",\"since\":")
            buffer.append(decimal: member.sinceMilliseconds)
            buffer.append("}")
        }
        buffer.append("]}")
    }
}
