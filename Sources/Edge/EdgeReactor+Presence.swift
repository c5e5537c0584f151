internal import Broker
internal import Crypto
internal import Reactor
internal import Wire

// Who is subscribed to the channels that tell it. A member is its session, so it stays the same from connection to
// connection and from node to node; without a session it is its connection.
extension EdgeReactor {
    // MARK: Coming and going

    func enter(_ topic: Topic, _ slot: Slot) {
        let connection = connections[live: slot]
        let transport =
            switch connection.pointee.transport {
            case .webSocket: "websocket"
            case .eventStream: "eventstream"
            case .jsonStream: "jsonstream"
            case .http: "poll"
            }
        connection.pointee.rights.insert(.isPresent)
        uplink.post(.enter(topic.name, memberID(slot), transport: transport, holder(slot)))
    }

    func leave(_ topic: Topic, _ slot: Slot, _ departure: Departure) {
        uplink.post(.leave(topic.name, memberID(slot), holder(slot), departure))
    }

    /// Leaves all channels. Unless it is known that the client wants to, a session may be resumed and was never gone then.
    func leaveAll(_ slot: Slot, _ departure: Departure? = nil) {
        let connection = connections[live: slot]
        guard connection.pointee.rights.contains(.isPresent) else { return }
        connection.pointee.rights.remove(.isPresent)
        let departure = departure ?? (connection.pointee.session == nil ? .clean : .lost)
        for topic in presentTopics(of: slot) { leave(topic, slot, departure) }
    }

    private func presentTopics(of slot: Slot) -> [Topic] {
        if let poll = connections[live: slot].pointee.session?.poll { return poll.topics.filter(\.hasPresence) }
        var topics: [Topic] = []
        var next = connections[live: slot].pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            topics += feed(of: reader.pointee.log)?.topics.filter(\.hasPresence) ?? []
            next = reader.pointee.next
        }
        return topics
    }

    private func holder(_ slot: Slot) -> SessionHolder {
        SessionHolder(reactor: number, connection: connections.key(ofLive: slot).token)
    }

    /// Tells nothing of the token: the id of a session goes through a hash.
    private func memberID(_ slot: Slot) -> MemberID {
        let name: String
        if let link = connections[live: slot].pointee.session {
            name = "session \(link.id)"
        } else {
            name = "connection \(memberSeed) \(number) \(connections.key(ofLive: slot).token)"
        }
        let digest = SHA256.hash(data: Array(name.utf8))
        return MemberID(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    // MARK: Questions

    /// `GET /channels/<name>/presence`
    func askPresence(_ slot: Slot, of channel: ChannelName) {
        guard configuration.hasPresence(channel) else {
            return refuse(slot, status: 404, "presence is not switched on for this channel", field: "channel")
        }
        connections[live: slot].pointee.answer.insert(.isAwaited)
        ask(.presence(connections.key(ofLive: slot), channel, origin: answerOrigin)) { .presence($0, channel) }
    }

    /// What a client may have asked for with one command: members of some 128 bytes each.
    private var presenceBytesMax: Int { limits.presenceMembersMax * 128 }

    /// The command of a WebSocket.
    func askPresence(_ slot: Slot, of channel: ChannelName, id: [UInt8]?) {
        guard configuration.hasPresence(channel) else {
            return sendError(slot, id: id, code: 404, "presence is not switched on for this channel")
        }
        beginCommand(slot, byteCount: presenceBytesMax)
        ask(.presenceCommand(connections.key(ofLive: slot), channel, id: id)) { .presence($0, channel) }
    }

    func answerPresence(_ ticket: Ticket, _ outcome: Result<PresenceList, BackplaneFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .presence(let key, let channel, let origin)?:
            guard let slot = answering(key) else { return }
            answerOrigin = origin
            switch outcome {
            case .failure(let failure): refuse(slot, failure)
            case .success(let list):
                frame.removeAll()
                frame.append("{")
                append(list, of: channel, to: &frame)
                answer(slot, contentType: "application/json", frame.bytes)
            }
        case .presenceCommand(let key, let channel, let id)?:
            endCommand(key, byteCount: presenceBytesMax)
            guard let slot = answering(key), connections[live: slot].pointee.isOpen else {
                return
            }
            guard case .success(let list) = outcome else {
                return sendError(slot, id: id, code: 503, "the backplane is away")
            }
            sendControl(slot, "presence") { buffer in
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
