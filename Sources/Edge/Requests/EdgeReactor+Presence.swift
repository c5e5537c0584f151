internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
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
            hub.send(.presence(id: id, channel: channel.text, count: list.count, members: members), to: key.slot.client)
        case (.success, .line), (.success, .bayeux): assertionFailure("these publish, and ask nothing else")
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
