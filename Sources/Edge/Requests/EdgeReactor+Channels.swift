internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What is asked of a channel: where it stands, and what it remembers.
extension EdgeReactor {
    /// `GET /channels/<name>`
    func describe(_ exchange: Exchange, _ channel: ChannelName) {
        allow(.subscribe, channel, exchange) { edge in
            edge.holdRequests(behind: exchange)
            edge.hub.tellCounts()
            edge.ask(.describe(exchange, channel)) { .describe($0, channel) }
        }
    }

    func answerDescribe(_ ticket: Ticket, _ outcome: Result<ChannelFacts, BackplaneFailure>) {
        guard case .describe(let exchange, let channel)? = waiting.removeValue(forKey: ticket.number),
            isWaitedFor(exchange)
        else { return }
        switch outcome {
        case .failure(let failure): refuse(.exchange(exchange), failure)
        case .success(let facts):
            answer(
                exchange,
                json: { body in
                    channel.withUTF8 {
                        AnswerBody.appendFacts(
                            channel: $0,
                            subscribers: facts.subscribers,
                            nodes: facts.nodes,
                            position: facts.head.numbers,
                            to: &body
                        )
                    }
                }
            )
        }
    }

    /// `GET /channels/<name>/history`
    func history(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        of channel: ChannelName
    ) throws(HTTPRejection) {
        var since: Position?
        if let text = try request.parameter("since") {
            since = Position(text)
            if since == nil { throw HTTPRejection(status: 400, field: "since", reason: "not a position") }
        }
        var limit = limits.historyCountMax
        if let text = try request.parameter("limit") {
            guard let number = Int(text), (1...limits.readCountMax).contains(number) else {
                throw HTTPRejection(status: 400, field: "limit", reason: "not a number from 1 to the read limit")
            }
            limit = number
        }
        let asker = Asker.exchange(exchange)
        guard
            mayHave(.history, exchange.slot, exchange.credentials, for: asker, orSay: "too many questions for history")
        else { return }
        let (first, countMax) = (since, limit)
        allow(.history, channel, exchange) { edge in
            edge.holdRequests(behind: exchange)
            edge.ask(.history(exchange, channel)) { .history($0, channel, since: first, limit: countMax) }
        }
    }

    func answerHistory(_ ticket: Ticket, _ outcome: Result<HistoryPage, BackplaneFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .history(let exchange, let channel)? where isWaitedFor(exchange):
            switch outcome {
            case .failure(let failure): refuse(.exchange(exchange), failure)
            case .success(let page): answer(exchange, json: { append(page, of: channel, to: &$0) })
            }
        case .head(let batch, let place, let channel)?: answerHead(batch, place, channel, outcome)
        default: break
        }
    }

    private func append(_ page: HistoryPage, of channel: ChannelName, to body: inout ByteBuffer) {
        let shown = part(of: page)
        channel.withUTF8 { name in
            AnswerBody.appendHistory(
                channel: name,
                publications: shown,
                position: page.head.numbers,
                hasMore: page.hasMore || shown.count < page.publications.count,
                isRecovered: page.since == nil ? nil : page.isComplete,
                to: &body
            ) { publication, body in
                publication.payload.bytes.withUnsafeBytes { bytes in
                    publication.payload.withKey { key in
                        Envelope.appendMessage(
                            channel: name,
                            position: publication.position.numbers,
                            key: key,
                            payload: Envelope.Payload(publication.payload.kind, bytes),
                            to: &body
                        )
                    }
                }
            }
        }
    }

    /// What of a page has room in an answer: a payload of control characters is six times as large in JSON, and takes as much
    /// longer to write. The first behind a position, else the newest; one at least.
    private func part(of page: HistoryPage) -> ArraySlice<Publication> {
        var left = limits.historyBytesMax
        var count = 0
        let nearestFirst =
            page.since == nil ? AnySequence(page.publications.reversed()) : AnySequence(page.publications)
        for publication in nearestFirst {
            if left <= 0 { break }
            left -= publication.payload.jsonByteCount
            count += 1
        }
        return page.since == nil ? page.publications.suffix(count) : page.publications.prefix(count)
    }
}
