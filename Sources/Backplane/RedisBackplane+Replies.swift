internal import Broker

// What the function library's answers mean.
extension RedisBackplane {
    /// What an answer means that makes no sense: the data behind it is not the function library's. It is told, and who asked
    /// is refused; whatever concerns other keys goes on.
    private func broken(_ kind: String, _ what: String) -> BackplaneFailure {
        let error = "\(RedisRefusalLog.brokenMark)\(kind): \(what.prefix(100))"
        refused(error)
        return .refused(error)
    }

    func position(_ reply: RedisReply) -> Result<Position, BackplaneFailure> {
        reply.position.map { .success($0) } ?? .failure(broken("position", reply.text))
    }

    func page(_ reply: RedisReply, since: Position?) -> Result<HistoryPage, BackplaneFailure> {
        guard reply.count > 0, let head = reply[0].position else {
            return .failure(broken("head", reply.count > 0 ? reply[0].text : ""))
        }
        var publications: [Publication] = []
        for index in 1..<reply.count {
            let entry = reply[index]
            guard entry.count == 4, let position = entry[0].position, let previous = entry[1].position else {
                // Left out, so the chain tells what is missing.
                if entry.text != Self.moreMark { _ = broken("entry", entry.count > 1 ? entry[1].text : entry.text) }
                continue
            }
            let payload = classify(entry[3].bytes, PayloadKind(letter: entry[2].bytes.first))
            publications.append(Publication(position: position, previous: previous, payload: payload))
        }
        let hasMore = reply[reply.count - 1].text == Self.moreMark
        return .success(HistoryPage(since: since, publications: publications, head: head, hasMore: hasMore))
    }

    /// Stands behind the entries of a history that had no room for all.
    private static let moreMark = "more"

    func facts(_ reply: RedisReply) -> Result<ChannelFacts, BackplaneFailure> {
        guard reply.count == 3, let head = reply[2].position, reply[0].integer >= 0, reply[1].integer >= 0 else {
            return .failure(broken("counts", "\(reply.count) facts"))
        }
        return .success(ChannelFacts(subscribers: reply[0].integer, nodes: reply[1].integer, head: head))
    }

    func list(_ reply: RedisReply) -> Result<PresenceList, BackplaneFailure> {
        guard reply.count > 0, reply[0].integer >= 0 else { return .failure(broken("members", "no count")) }
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
        guard let fence = UInt64(exactly: reply[0].integer) else {
            return .failure(.backplane(broken("fence", "\(reply[0].integer)")))
        }
        return .success(SessionGrant(fence: fence, positions: positions))
    }

    func write(_ reply: RedisReply) -> SessionWrite {
        switch reply.integer {
        case 1: .kept
        case 0: .stale
        default: .gone
        }
    }
}
