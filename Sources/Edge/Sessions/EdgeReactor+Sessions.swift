internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    // MARK: Opening

    func makeOpening(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ plan: SubscriptionPlan,
        as use: Opening.Use
    ) -> Opening {
        var opening = Opening(use: use, plan: plan, exchange: exchange, offersCookie: !isCookieOurs(request))
        let isHead = request.head.method == .head
        // A client of Bayeux is asked about as it shakes hands.
        if plan.dialect != .bayeux { opening.connectFields = connectFields(request, exchange.credentials) }
        switch plan.session {
        case .new where !isHead && mayOpenSession(for: opening): opening.token = SessionToken(using: &secrets)
        case .known(let token): opening.token = token
        default: break
        }
        return opening
    }

    /// Whether a new session would be of use: a raw WebSocket cannot be told its token, and a poll with a cursor is not a
    /// client's first, so it has shown to need none.
    private func mayOpenSession(for opening: Opening) -> Bool {
        switch opening.use {
        case .webSocket: opening.plan.dialect == .perseid
        case .stream: true
        case .poll: opening.plan.cursor == nil
        }
    }

    /// Counts a session that is opened from an address, by a user; says no if there were too many. A client without one has its cursor.
    func countSession(of slot: Slot, _ who: Credentials) -> Bool {
        if wait(for: .session, slot, who) == nil { return true }
        metrics.sessionsUnopened.add()
        return false
    }

    /// Opens a WebSocket, a stream or a poll: at once without a session, else when the uplink has granted it.
    func open(_ opening: Opening) {
        if mustShed(opening) { return shed(opening.exchange) }
        let slot = opening.exchange.slot
        if let wait = waitToSubscribe(opening.plan.channels.count, slot, opening.exchange.credentials) {
            return refuse(.exchange(opening.exchange), status: 429, "too many subscribes", retryMilliseconds: wait)
        }
        if isOneTooMany(opening) { return }
        guard let fields = opening.connectFields, !opening.isLaterPoll else { return openAdmitted(opening) }
        askToConnect(opening, fields: fields) { edge, opening in
            edge.connections[live: opening.exchange.slot].pointee.answer.remove(.isAwaited)
            edge.openAdmitted(opening)
        }
    }

    /// Whether a reader's user has as many as it may; if so, it is told. Looked at before anything is asked for it, and again as it
    /// becomes one: many may be on their way at once.
    private func isOneTooMany(_ opening: Opening) -> Bool {
        guard !opening.use.isPoll, hasTooManyConnections(opening.exchange.credentials) else { return false }
        let (asker, wait) = (Asker.exchange(opening.exchange), drawReconnectMilliseconds())
        hub.releaseSession(opening.exchange.slot.client)
        refuse(asker, status: 429, "too many connections", retryMilliseconds: wait)
        return true
    }

    private func openAdmitted(_ opening: Opening) {
        guard opening.plan.channels.count > Self.manyChannels else { return openNow(opening) }
        holdRequests(behind: opening.exchange)
        openings.append(opening)
    }

    /// Channels of a request past which it waits for the end of the turn: each costs some 10 µs, and a request for one does not
    /// wait for a request for a hundred.
    private static let manyChannels = 8

    /// Channels of such requests that a turn begins, or those of one request. To begin one is a tenth of what it costs: the
    /// rest is the uplink's, and comes back through the inbox in front of what is published meanwhile.
    private static let channelsPerTurn = 128

    /// Begins requests for many channels, as many as one turn may. Says whether some are left.
    func beginOpenings() -> Bool {
        guard !openings.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        var left = Self.channelsPerTurn
        while left > 0, let opening = openings.popFirst() {
            left -= opening.plan.channels.count
            if isWaitedFor(opening.exchange) {
                connections[live: opening.exchange.slot].pointee.answer.remove(.isAwaited)
                openNow(opening)
                takeUp(opening.exchange.slot)
            }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !openings.isEmpty
    }

    private func openNow(_ opening: Opening) {
        if case .malformed = opening.plan.session { return refuseToken(opening) }
        let slot = opening.exchange.slot
        var opening = opening
        if case .new = opening.plan.session, opening.token != nil,
            !countSession(of: slot, opening.exchange.credentials)
        {
            opening.token = nil
        }
        guard let token = opening.token else { return begin(opening, []) }
        holdRequests(behind: opening.exchange)
        let kind: SessionRequest.Kind = if case .known = opening.plan.session { .resume } else { .open }
        let holder = SessionHolder(reactor: number, connection: opening.exchange.connection.token)
        ask(.session(opening)) {
            .session(
                SessionRequest(
                    kind,
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    holder: holder,
                    isPoll: opening.use.isPoll,
                    isAffine: !opening.offersCookie,
                    notes: kind == .open ? notes(of: opening) : []
                )
            )
        }
    }

    /// Whose the session is; and who a poll is from that a backend let in, for those that follow.
    private func notes(of opening: Opening) -> [UInt8] {
        let identity = opening.exchange.credentials.identity
        let owner = SessionOwner.notes(of: identity)
        guard opening.use.isPoll, access.hooks.contains(.connect) else { return owner }
        var notes = BayeuxNotes()
        notes.identity = identity ?? Identity(user: nil)
        return owner.isEmpty ? notes.text : owner + [UInt8(ascii: " ")] + notes.text
    }

    func answerSession(_ ticket: Ticket, _ outcome: Result<SessionState, SessionFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .session(let opening)?: answerSession(of: opening, outcome)
        case .handshake(let batch, let place)?: answerHandshake(batch, place, outcome)
        case .attach(let batch, let place)?: answerAttach(batch, place, outcome)
        case .adopt(let batch)?: answerAdoption(batch, outcome)
        default: break
        }
    }

    private func answerSession(of opening: Opening, _ outcome: Result<SessionState, SessionFailure>) {
        var opening = opening
        guard isWaitedFor(opening.exchange) else {
            if case .success = outcome, let token = opening.token {
                let holder = SessionHolder(reactor: number, connection: opening.exchange.connection.token)
                uplink.post(.releaseSession(token.id, holder))
            }
            return
        }
        let slot = opening.exchange.slot
        switch outcome {
        case .success(let state):
            takeIdentity(&opening, state)
            connections[live: slot].pointee.client.session = opening.token.map {
                SessionLink($0.id, saved: state.positions)
            }
            // Whom a backend names is known once it has.
            if let fields = opening.connectFields {
                return askToConnect(opening, fields: fields) { edge, opening in edge.begin(opening, of: state) }
            }
            begin(opening, of: state)
            takeUp(slot)
        case .failure(.unknown): refuseToken(opening)
        case .failure(.backplane):
            if case .known = opening.plan.session { return refuseForNow(opening) }
            // Without the backplane there are no sessions, and it is no reason to turn a client away: it has its cursor.
            opening.token = nil
            begin(opening, [])
            takeUp(slot)
        }
    }

    /// Begins what was asked for with a session, if that is of who asks.
    private func begin(_ opening: Opening, of state: SessionState) {
        guard SessionOwner.allows(opening.exchange.credentials.identity, state.notes) else {
            hub.releaseSession(opening.exchange.slot.client)
            return refuseToken(opening)
        }
        begin(opening, state.positions)
    }

    /// Who the session is of, where that is kept and nothing else is shown: an event stream of Bayeux is asked for by the session's name
    /// alone, and whom a backend let in with the first poll it need not be asked about with the next.
    private func takeIdentity(_ opening: inout Opening, _ state: SessionState) {
        let isLaterPoll = opening.connectFields != nil
        guard opening.plan.dialect == .bayeux || isLaterPoll else { return }
        let notes = BayeuxNotes(state.notes)
        opening.plan.slow(to: notes.pace)
        let identity = notes.identity.flatMap { isGood($0) ? $0 : nil }
        guard let identity else { return }
        if isLaterPoll { opening.connectFields = nil }
        guard opening.exchange.credentials.identity == nil, identity.isSomebody else { return }
        opening.exchange.credentials.identity = identity
        if isLaterPoll { opening.plan.add(identity.given) }
    }

    /// Begins what was asked for, with the subscriptions of a session that is resumed, once it is known which of them it may have.
    private func begin(_ opening: Opening, _ known: [SessionPosition]) {
        let all = opening.plan.channels(with: known)
        var forbidden: [ChannelName: UInt16] = [:]
        var asked: [ChannelName] = []
        for each in all {
            switch judge(.subscribe, each.name, opening.exchange.credentials) {
            case .refused: forbidden[each.name] = 403
            case .allowed where isSilent(each.name), .hook where isSilent(each.name): forbidden[each.name] = 404
            case .allowed: break
            case .hook: asked.append(each.name)
            }
        }
        guard !asked.isEmpty else { return begin(opening, all, forbidden) }
        let (slot, known) = (opening.exchange.slot, forbidden)
        holdRequests(behind: opening.exchange)
        askAbout(asked, .subscribe, slot, opening.exchange.credentials, transport: opening.transport) { edge, refused in
            guard edge.isOpen(opening.exchange.connection) else { return }
            edge.begin(opening, all, known.merging(refused) { first, _ in first })
            edge.takeUp(slot)
        }
    }

    /// Says which channel cannot be had: so a client can do without it.
    private func refuse(_ opening: Opening, _ forbidden: [ChannelName: UInt16]) {
        let named = opening.plan.channels.map(\.name).first { forbidden[$0] != nil }
        let isSilent = named.flatMap { forbidden[$0] } == 404
        let (status, message): (Int, StaticString) = isSilent ? (404, Self.noPresence) : (403, "not allowed")
        refuse(opening.exchange, status: status, message, field: "channel", channel: named)
    }

    private func begin(
        _ opening: Opening,
        _ all: [(name: ChannelName, since: Position?)],
        _ forbidden: [ChannelName: UInt16]
    ) {
        let slot = opening.exchange.slot
        let channels = forbidden.isEmpty ? all : all.filter { forbidden[$0.name] == nil }
        // What a session had and its user may no longer have is left out; what a request names is refused.
        let isRefused = channels.isEmpty || opening.plan.channels.contains { forbidden[$0.name] != nil }
        if !forbidden.isEmpty, isRefused, !opening.use.maySubscribeLater {
            if forbidden.values.contains(503) { return turnAway(opening, .unanswered) }
            hub.releaseSession(slot.client)
            return refuse(opening, forbidden)
        }
        if let fault = fault(in: channels, of: opening) {
            hub.releaseSession(slot.client)
            return refuse(opening.exchange, status: 400, fault, field: "channel")
        }
        var opening = opening
        guard let who = present(opening.exchange.credentials) else { return turnAwayEnded(opening) }
        opening.exchange.credentials = who
        if isOneTooMany(opening) { return }
        switch opening.use {
        case .webSocket(let agreement):
            note(opening.exchange.credentials, of: slot)
            let missing = all.compactMap { each in forbidden[each.name].map { (name: each.name, status: $0) } }
            beginWebSocket(agreement, opening, channels, forbidden: missing)
            bequeath(slot)
        case .stream(_, let wishes):
            note(opening.exchange.credentials, of: slot)
            connections[live: slot].pointee.answer.remove(.isAwaited)
            beginStream(wishes, opening, channels)
            bequeath(slot)
        case .poll(_, let milliseconds):
            beginPoll(
                opening,
                channels,
                holdMilliseconds: min(milliseconds, leftMilliseconds(opening.exchange.credentials))
            )
        }
    }

    /// Turns away who showed what is over by now: it was taken back, or ended, while a session or a backend was asked.
    private func turnAwayEnded(_ opening: Opening) {
        guard opening.use.isPoll else { return turnAway(opening, .tokenExpired) }
        hub.releaseSession(opening.exchange.slot.client)
        refuse(opening.exchange, status: 401, "the token or the key is not taken any more", field: "access_token")
    }

    /// What is wrong with the channels that a session and a request have together; `nil` if nothing is.
    private func fault(in channels: [(name: ChannelName, since: Position?)], of opening: Opening) -> StaticString? {
        // Those of both: a session must not grow with each request.
        if channels.count > limits.channelsPerConnectionMax { return "too many channels" }
        if channels.count(where: \.name.isPattern) > limits.patternsPerConnectionMax { return "too many patterns" }
        // A WebSocket has no cursor, and commands; a client of Bayeux has its session.
        if opening.use.maySubscribeLater || opening.plan.dialect == .bayeux { return nil }
        if channels.isEmpty { return "at least one is needed" }
        let isTooLong = Cursor.byteCountMax(of: channels.lazy.map(\.name)) > limits.cursorBytesMax
        return isTooLong ? "so many and long names make a cursor that is too long to come back with" : nil
    }

    /// Goes on with what the client sent, or did, while its session was asked for.
    func takeUp(_ slot: Slot) {
        let connection = connections[live: slot]
        guard !connection.pointee.isClosed else { return }
        if connection.pointee.traffic.contains(.isEnded) { return endOfStream(slot) }
        if connection.pointee.input != nil { goOn(slot) }
    }

    private func refuseToken(_ opening: Opening) {
        var opening = opening
        opening.token = nil
        metrics.tokensRefused.add()
        guard case .webSocket(let agreement) = opening.use else {
            return refuse(opening.exchange, status: 401, "there is no such session", field: "session") {
                $0.append(field: "WWW-Authenticate", "Perseid-Session")
            }
        }
        refuseWebSocket(agreement, opening, .unknownSession)
    }

    private func refuseForNow(_ opening: Opening) {
        switch opening.use {
        case .webSocket(let agreement): refuseWebSocket(agreement, opening, .unavailable)
        case .stream: holdStream(opening)
        case .poll:
            refuse(opening.exchange, status: 503, "the backplane is away") { $0.append(field: "Retry-After", 1) }
        }
    }

    /// Begins a stream without the session that cannot be asked for now. Any answer but 200 would end a browser's `EventSource`
    /// for good: so what it asked for waits like that of a client without a session, from its own cursor; and one that named no
    /// channels is told to come again.
    private func holdStream(_ opening: Opening) {
        let slot = opening.exchange.slot
        var opening = opening
        opening.token = nil
        if opening.plan.channels.isEmpty, case .stream(_, let wishes) = opening.use {
            connections[live: slot].pointee.answer.remove(.isAwaited)
            beginStream(wishes, opening, [])
            hub.sayBye(slot.client, .unavailable, afterMilliseconds: drawReconnectMilliseconds())
        } else {
            begin(opening, [])
            takeUp(slot)
        }
    }

    // MARK: Affinity

    /// Whether the load balancer's cookie names this node.
    func isCookieOurs(_ request: borrowing HTTPRequest) -> Bool {
        guard request.head[.cookie] != nil else { return false }
        return request.head.values(of: .cookie, in: request.octets.span).contains { line in
            request.bytes[line.indices].split(separator: UInt8(ascii: ";")).contains {
                $0.drop { $0 == UInt8(ascii: " ") }.elementsEqual(nodeCookie.utf8)
            }
        }
    }

    /// The fields that tell a client its token, and its load balancer the node that has the session.
    func append(fieldsOf opening: Opening, to buffer: inout ByteBuffer) {
        guard let token = opening.token else { return }
        if opening.plan.dialect != .bayeux { buffer.append(field: "Perseid-Session", utf8: token.text) }
        if opening.offersCookie { appendNodeCookie("Path=/; HttpOnly; SameSite=Lax", to: &buffer) }
    }

    /// Tells a load balancer which node has a session.
    func appendNodeCookie(_ attributes: String, to buffer: inout ByteBuffer) {
        buffer.append(field: "Set-Cookie", utf8: "\(nodeCookie); \(attributes)")
    }

    /// Somebody else has a session now, or nobody has.
    func loseSession(_ id: SessionID, _ key: SlabKey, _ taking: SessionTaking) {
        if taking == .end, endBayeuxSession(id, key) { return }
        hub.loseSession(id, of: key.client, taking)
    }
}
