internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes a request that waits for what is published next, for as long as it says: not at all if it asks now and then.
    func openPoll(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        let carrier: CarrierID = exchange.callback == nil ? .poll : .jsonp
        let milliseconds = try holdMilliseconds(request)
        if exchange.form.contains(.hasNoBody) { return answerPollHead(exchange) }
        open(makeOpening(request, exchange, plan, as: .poll(carrier, milliseconds: milliseconds)))
    }

    /// Answers HEAD: what a poll is answered is not known before it was held.
    private func answerPollHead(_ exchange: Exchange) {
        output.removeAll()
        let carrier: Carrier = exchange.callback == nil ? .poll : .jsonp
        output.append(responseHead: 200, contentType: nil, framing: .none, persistence: persistence(exchange))
        output.append(field: "Content-Type", utf8: carrier.contentType ?? "")
        carrier.head(origins.pages, &output)
        append(fieldsOf: exchange, to: &output)
        output.append(field: "Cache-Control", "no-store")
        output.appendHeadEnd()
        finish(exchange)
    }

    private func holdMilliseconds(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> UInt64 {
        guard let text = try request.parameter("wait") else { return limits.pollMilliseconds }
        guard let seconds = UInt32(text), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            throw HTTPRejection(status: 400, field: "wait", reason: "not a number of seconds")
        }
        return min(UInt64(seconds) * 1_000, limits.pollMilliseconds)
    }

    /// Begins a poll, whose session, if it asked for one, is there.
    func beginPoll(
        _ opening: Opening,
        _ channels: [(name: ChannelName, since: Position?)],
        holdMilliseconds: UInt64
    ) {
        let slot = opening.exchange.slot
        let poll = Poll(
            client: connections.key(ofLive: slot).client,
            encoding: opening.encoding,
            hasSession: opening.token != nil,
            hasCursor: channels.contains { $0.since != nil },
            holdMilliseconds: holdMilliseconds,
            bytesMax: limits.pollBytesMax
        )
        connections[live: slot].pointee.client.session?.poll = poll
        connections[live: slot].pointee.client.encoding = opening.encoding
        pollAskers[poll.client] = .opening(opening)
        holdRequests(behind: opening.exchange)
        hub.join(slot.client, channels, entries: opening.plan.entries, pace: opening.plan.pace, poll: poll)
    }

    func didHold(_ poll: Poll, milliseconds: UInt64) {
        timers.schedule(Slot(poll.client.slot), at: reactor.tick(afterMilliseconds: milliseconds))
        if case .hold(let hold)? = pollAskers[poll.client] { didHold(hold) }
    }

    func pollTimerFired(_ slot: Slot) {
        guard let left = hub.answerPollIfDue(of: slot.client) else { return }
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: left))
    }

    func isWaitedFor(_ poll: Poll) -> Bool {
        switch pollAskers[poll.client] {
        case .opening(let opening): isWaitedFor(opening.exchange)
        case .hold(let hold): isOpen(hold.connection)
        case .batch(let batch): isWaitedFor(batch)
        case nil: false
        }
    }

    func answer(_ poll: Poll) {
        switch pollAskers[poll.client] {
        case .opening(let opening): answer(poll, of: opening)
        case .hold(let hold): answer(poll, of: hold)
        case .batch(let batch): answer(poll, of: batch)
        case nil: break
        }
    }

    private func answer(_ poll: Poll, of opening: Opening) {
        content.removeAll()
        poll.appendBody(to: &content)
        answer(opening.exchange, contentType: "application/json", content.bytes) {
            $0.append(field: "Cache-Control", "no-store")
            append(fieldsOf: opening, to: &$0)
        }
    }

    func refuse(_ poll: Poll, _ why: PollRefusal) {
        guard isWaitedFor(poll) else { return }
        switch pollAskers[poll.client] {
        case .opening(let opening): refuse(opening.exchange, why)
        case .hold(let hold): refuse(hold, why)
        case .batch(let batch):
            // What it missed comes with its next connect.
            stopPolling(poll)
            change(batch)
        case nil: break
        }
    }

    private func refuse(_ exchange: Exchange, _ why: PollRefusal) {
        switch why {
        case .unavailable:
            refuse(exchange, status: 503, "the channel cannot be opened now") { $0.append(field: "Retry-After", 1) }
        case .forbidden: refuse(exchange, status: 403, "the backplane refuses the channel", field: "channel")
        case .dismissed: refuse(exchange, status: 401, "sent away", field: "access_token")
        case .displaced, .released, .ended:
            refuse(exchange, status: 409, "another request of this session took its place", field: "session")
        }
    }
}
