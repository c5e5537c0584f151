internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Whether somebody may ask who is there as often as that.
    func mayAskPresence(_ slot: Slot, _ who: Credentials, for asker: Asker) -> Bool {
        mayHave(.presence, slot, who, for: asker, orSay: "too many questions for presence")
    }

    static let noPresence: StaticString = "presence is not switched on for this channel"

    /// Whether nothing would ever be told in a channel: it is for who is present in another one, which does not tell that.
    func isSilent(_ channel: ChannelName) -> Bool {
        guard let subject = channel.presenceSubject, !subject.isPattern else { return false }
        return !configuration.hasPresence(subject)
    }

    /// `GET /channels/<name>/presence`, and the command of a WebSocket.
    func askPresence(_ asker: Asker, of channel: ChannelName) {
        guard configuration.hasPresence(channel) else {
            return refuse(asker, status: 404, Self.noPresence, field: "channel")
        }
        begin(asker)
        ask(.presence(asker, channel)) { .presence($0, channel) }
    }

    /// What a client may have asked for with one command: members of some 128 bytes each, and what is told of who they are.
    var presenceBytesMax: Int { limits.presenceMembersMax * 128 + Self.listedDetailsBytesMax }

    /// What one answer tells of who its members are. Hit: the rest of them have their names only; so a list of a thousand, with a
    /// kilobyte of each, is no more than a client may have waiting for it.
    private static let listedDetailsBytesMax = 131_072

    /// Members as they are listed.
    private func listed(_ list: PresenceList) -> [PresentMember] {
        var left = Self.listedDetailsBytesMax
        return list.members.map { member in
            left -= member.details.count
            return PresentMember(member, details: left >= 0 ? member.details : [])
        }
    }

    // MARK: Who somebody is

    /// What others may see of who reads by a connection: the user, and what its token or the backend says besides.
    func memberDetails(of slot: Slot) -> [UInt8] {
        guard let identity = identity(of: slot), identity.user != nil || identity.info != nil else { return [] }
        let details = memberDetails(user: identity.user, info: identity.info)
        if details.count <= limits.memberDetailsBytesMax { return details }
        metrics.memberDetailsLeftOut.add()
        let user = identity.info == nil ? [] : memberDetails(user: identity.user, info: nil)
        return user.count <= limits.memberDetailsBytesMax ? user : []
    }

    private func memberDetails(user: String?, info: [UInt8]?) -> [UInt8] {
        var details = ByteBuffer()
        if let user {
            details.append("{\"user\":")
            details.appendJSONString(user)
        }
        // A session's is what anybody may have written where that is kept.
        if let info, info.withUnsafeBytes({ JSONText.kind(of: $0) }) != nil {
            details.append(user == nil ? "{\"info\":" : ",\"info\":")
            details.append(info)
        }
        if details.count > 0 { details.append("}") }
        return Array(details.bytes)
    }

    // MARK: Answers

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
                            members: listed(list),
                            to: &body
                        )
                    }
                }
            )
        case (.success(let list), .command(let key, let id, _)):
            let message = ControlMessage.presence(
                id: id,
                channel: channel.text,
                count: list.count,
                members: listed(list)
            )
            hub.send(message, to: key.slot.client)
        case (.success, .line), (.success, .bayeux): assertionFailure("these publish, and ask nothing else")
        }
    }
}

extension PresentMember {
    fileprivate init(_ member: Member, details: [UInt8]) {
        self.init(
            id: member.id.description,
            node: member.node,
            transport: member.transport,
            sinceMilliseconds: member.sinceMilliseconds,
            details: details
        )
    }
}
