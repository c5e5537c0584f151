internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

/// What is done once a backend has said what it thinks of it. It lives on the reactor that asked, and never leaves it.
typealias HookContinuation = (EdgeReactor, HookOutcome) -> Void

/// A question that is not answered, and what it holds of the memory for all of them.
struct WaitingForHook {
    let byteCount: Int
    let then: HookContinuation
}

// What a backend is asked. Who waits for it waits as for a token: what it says next is not looked at, and nobody else waits.
extension EdgeReactor {
    /// Asks a backend. `then` is called in any case, and never before this returns.
    func ask(_ hook: HookName, _ body: consuming HookBody, _ then: @escaping HookContinuation) {
        nextTicket += 1
        let ticket = Ticket(reactor: number, number: nextTicket)
        let bytes = body.finish()
        let hasRoom =
            waitingForHooks.count < limits.hookQuestionsMax && hookBytes + bytes.count <= limits.hookBytesMax
        waitingForHooks[nextTicket] = WaitingForHook(byteCount: hasRoom ? bytes.count : 0, then: then)
        if hasRoom {
            hookBytes += bytes.count
            hooks.post(.ask(ticket, hook, bytes))
        } else {
            metrics.hookQuestionsRefused.add()
            hooks.post(.refuse(ticket, hook))
        }
    }

    func answerHook(_ ticket: Ticket, _ outcome: HookOutcome) {
        guard let waiting = waitingForHooks.removeValue(forKey: ticket.number) else { return }
        hookBytes -= waiting.byteCount
        waiting.then(self, outcome)
    }

    /// What every question begins with: who asks, from where, by what.
    func makeBody(_ hook: HookName, _ slot: Slot, _ who: Credentials, transport: String? = nil) -> HookBody {
        var body = HookBody(hook, node: configuration.nodeID)
        let connection = connections[live: slot]
        body.add("transport", transport ?? self.transport(of: slot))
        body.add("address", "\(address(of: slot))")
        body.add("user", who.identity?.user)
        body.add("session", connection.pointee.client.session.map { "\($0.id)" })
        return body
    }

    func transport(of slot: Slot) -> String {
        let connection = connections[live: slot]
        guard let encoding = connection.pointee.client.encoding else { return "http" }
        return bayeuxSockets[connections.key(ofLive: slot)] == nil ? "\(encoding.carrier.carrier.name)" : "bayeux"
    }

    // MARK: Channels

    /// What came of asking about several channels.
    private final class Round {
        var left: Int
        var refused: [ChannelName: UInt16] = [:]

        init(_ count: Int) { left = count }
    }

    /// Asks whether somebody may read channels; `then` has those that they may not, each with the status that says why.
    func askAbout(
        _ channels: [ChannelName],
        _ action: AccessAction = .subscribe,
        _ slot: Slot,
        _ who: Credentials,
        transport: String? = nil,
        _ then: @escaping (EdgeReactor, [ChannelName: UInt16]) -> Void
    ) {
        let round = Round(channels.count)
        for channel in channels {
            var body = makeBody(.subscribe, slot, who, transport: transport)
            // Who is there is told by a channel of its own.
            let subject = channel.presenceSubject
            body.add("action", subject == nil ? action.rawValue : AccessAction.presence.rawValue)
            body.add("channel", (subject ?? channel).text)
            ask(.subscribe, body) { edge, outcome in
                round.left -= 1
                round.refused[channel] = outcome.status
                if outcome.status != nil { edge.metrics.forbidden.add() }
                if round.left == 0 { then(edge, round.refused) }
            }
        }
    }

    /// Does something in a channel for a request once it may be done.
    func allow(
        _ action: AccessAction,
        _ channel: ChannelName,
        _ exchange: Exchange,
        _ go: @escaping (EdgeReactor) -> Void
    ) {
        switch judge(action, channel, exchange.credentials) {
        case .allowed: go(self)
        case .refused: refuse(exchange, status: 403, "not allowed", field: "channel")
        case .hook:
            holdRequests(behind: exchange)
            askAbout([channel], action, exchange.slot, exchange.credentials) { edge, refused in
                guard edge.isOpen(exchange.connection) else { return }
                guard let status = refused[channel] else { return go(edge) }
                edge.refuse(.exchange(exchange), hookStatus: status)
            }
        }
    }

    /// Does something in a channel for a command once it may be done; the client's next commands wait behind it.
    func allow(
        _ action: AccessAction,
        _ channel: ChannelName,
        _ slot: Slot,
        id: [UInt8]?,
        _ go: @escaping (EdgeReactor) -> Void
    ) {
        let who = credentials(of: slot)
        let unread = action == .subscribe ? channel : nil
        switch judge(action, channel, who) {
        case .allowed: go(self)
        case .refused: sendError(slot, id: id, channel: unread, code: 403, "channel: not allowed")
        case .hook:
            let key = holdCommands(of: slot)
            askAbout([channel], action, slot, who) { edge, refused in
                guard edge.isOpen(key) else { return }
                if let status = refused[channel] {
                    let message = status == 503 ? "the backend did not answer" : "channel: not allowed"
                    edge.sendError(key.slot, id: id, channel: unread, code: status, message)
                } else {
                    go(edge)
                }
                edge.goOnWithCommands(of: key)
            }
        }
    }

    /// Has a WebSocket's next commands wait.
    func holdCommands(of slot: Slot) -> SlabKey {
        connections[live: slot].pointee.answer.insert(.isAwaited)
        return connections.key(ofLive: slot)
    }

    /// Looks at them.
    func goOnWithCommands(of key: SlabKey) {
        guard let connection = connections.pointer(to: key), connection.pointee.isOpen else { return }
        connection.pointee.answer.remove(.isAwaited)
        if connection.pointee.input != nil { goOn(key.slot) }
    }

    /// Tells what a backend refused, or did not say.
    func refuse(_ asker: Asker, hookStatus status: UInt16) {
        guard status == 503 else { return refuse(asker, status: 403, "not allowed", field: "channel") }
        refuse(asker, status: 503, "the backend did not answer") { $0.append(field: "Retry-After", 1) }
    }
}

extension HookOutcome {
    /// What who asked is told; `nil` where it may.
    var status: UInt16? {
        switch self {
        case .allowed: nil
        case .refused: 403
        case .failed: 503
        }
    }
}
