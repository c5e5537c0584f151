internal import Broker

// What the function library's answers mean.
extension RedisBackplane {
    func position(_ reply: RedisReply) -> Result<Position, BackplaneFailure> {
        reply.position.map { .success($0) } ?? .failure(.refused("no position: \(reply.text)"))
    }

    func page(_ reply: RedisReply, since: Position?) -> Result<HistoryPage, BackplaneFailure> {
        guard reply.count > 0, let head = reply[0].position else { return .failure(.refused("no head")) }
        var publications: [Publication] = []
        for index in 1..<reply.count {
            let entry = reply[index]
            guard entry.count == 4, let position = entry[0].position, let previous = entry[1].position else { continue }
            let payload = classify(entry[3].bytes, PayloadKind(letter: entry[2].bytes.first))
            publications.append(Publication(position: position, previous: previous, payload: payload))
        }
        let hasMore = reply.count > 1 && reply[reply.count - 1].text == "more"
        return .success(HistoryPage(since: since, publications: publications, head: head, hasMore: hasMore))
    }

    func facts(_ reply: RedisReply) -> Result<ChannelFacts, BackplaneFailure> {
        guard reply.count == 3, let head = reply[2].position else { return .failure(.refused("no facts")) }
        return .success(ChannelFacts(subscribers: reply[0].integer, nodes: reply[1].integer, head: head))
    }

    func list(_ reply: RedisReply) -> Result<PresenceList, BackplaneFailure> {
        guard reply.count > 0 else { return .failure(.refused("no members")) }
        var members: [Member] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            let facts = reply[index + 1].text.split(separator: " ")
            guard let id = MemberID(reply[index].text), facts.count == 3, let since = UInt64(facts[2]) else { continue }
            members.append(
                Member(id: id, node: String(facts[0]), transport: String(facts[1]), sinceMilliseconds: since)
            )
        }
        return .success(PresenceList(count: reply[0].integer, members: members))
    }

    func grant(_ reply: RedisReply, to request: SessionRequest) -> Result<SessionGrant, SessionFailure> {
        if request.kind == .open {
            // A session whose name was drawn a moment ago is nobody else's.
            return reply.integer == 1 ? .success(SessionGrant(fence: 1, positions: [])) : .failure(.unknown)
        }
        guard reply.count > 0 else { return .failure(.unknown) }
        var positions: [SessionPosition] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            guard let channel = ChannelName(reply[index].text), let position = reply[index + 1].position else {
                continue
            }
            positions.append(SessionPosition(channel, position))
        }
        return .success(SessionGrant(fence: UInt64(reply[0].integer), positions: positions))
    }

    func write(_ reply: RedisReply) -> SessionWrite {
        switch reply.integer {
        case 1: .kept
        case 0: .stale
        default: .gone
        }
    }
}
