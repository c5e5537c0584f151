internal import Backplane
internal import Broker
internal import Crypto
internal import Hub
internal import Reactor
internal import Wire

// Who is subscribed to the channels that tell it. A member is its session, so it stays the same from connection to
// connection and from node to node; without a session it is its connection.
extension EdgeReactor {
    // MARK: Coming and going

    func enter(_ topic: Topic, _ slot: Slot) {
        let connection = connections[live: slot]
        let transport = connection.pointee.client.encoding.map { "\($0.carrier.carrier.name)" } ?? ""
        connection.pointee.client.isPresent = true
        uplink.post(.enter(topic.name, memberID(slot), transport: transport, holder(slot)))
    }

    func leave(_ topic: Topic, _ slot: Slot, _ departure: Departure) {
        uplink.post(.leave(topic.name, memberID(slot), holder(slot), departure))
    }

    /// Leaves all channels. Unless it is known that the client wants to, a session may be resumed and was never gone then.
    func leaveAll(_ slot: Slot, _ departure: Departure? = nil) {
        let connection = connections[live: slot]
        guard connection.pointee.client.isPresent else { return }
        connection.pointee.client.isPresent = false
        let departure = departure ?? (connection.pointee.client.session == nil ? .clean : .lost)
        for topic in presentTopics(of: slot) { leave(topic, slot, departure) }
    }

    private func presentTopics(of slot: Slot) -> [Topic] {
        if let poll = connections[live: slot].pointee.client.session?.poll { return poll.topics.filter(\.hasPresence) }
        var topics: [Topic] = []
        var next = connections[live: slot].pointee.client.firstSubscription
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
        if let link = connections[live: slot].pointee.client.session {
            name = "session \(link.id)"
        } else {
            name = "connection \(memberSeed) \(number) \(connections.key(ofLive: slot).token)"
        }
        let digest = SHA256.hash(data: Array(name.utf8))
        return MemberID(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    // MARK: Questions

    /// `GET /channels/<name>/presence`, and the command of a WebSocket.
    func askPresence(_ asker: Asker, of channel: ChannelName) {
        guard configuration.hasPresence(channel) else {
            return refuse(asker, status: 404, "presence is not switched on for this channel", field: "channel")
        }
        begin(asker)
        ask(.presence(asker, channel)) { .presence($0, channel) }
    }

    /// What a client may have asked for with one command: members of some 128 bytes each.
    var presenceBytesMax: Int { limits.presenceMembersMax * 128 }

    func answerPresence(_ ticket: Ticket, _ outcome: Result<PresenceList, BackplaneFailure>) {
        guard case .presence(let asker, let channel)? = waiting.removeValue(forKey: ticket.number), end(asker) else {
            return
        }
        switch (outcome, asker) {
        case (.failure(let failure), _): refuse(asker, failure)
        case (.success(let list), .exchange(let exchange)):
            answer(
                exchange,
                json: { body in
                    channel.withUTF8 {
                        AnswerBody.appendPresence(
                            channel: $0,
                            count: list.count,
                            members: list.members.map(PresentMember.init),
                            to: &body
                        )
                    }
                }
            )
        case (.success(let list), .command(let key, let id, _)):
            let members = list.members.map(PresentMember.init)
            send(.presence(id: id, channel: channel.text, count: list.count, members: members), to: key.slot)
        }
    }
}

extension PresentMember {
    fileprivate init(_ member: Member) {
        self.init(
            id: member.id.description,
            node: member.node,
            transport: member.transport,
            sinceMilliseconds: member.sinceMilliseconds
        )
    }
}
