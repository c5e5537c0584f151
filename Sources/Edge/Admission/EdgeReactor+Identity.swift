internal import Backplane
internal import Broker
internal import Hub
internal import Logging
internal import Reactor
internal import Wire

// Who a client is. A token that nobody here has seen is looked at by another thread; until then its request waits, unread, and is then
// understood from its beginning: so nothing behind this ever waits for an identity.
extension EdgeReactor {
    // MARK: Requests

    /// Whether it is known who asks, or that it is nobody. If not, the connection waits until it is.
    func isIdentified(_ request: borrowing HTTPRequest, _ slot: Slot) -> Bool {
        guard let token = unknownToken(request) else { return true }
        if showsTooManyTokens(slot) {
            shown = .failure(.tooMany)
            return true
        }
        guard waitingForTokens.count < limits.tokensUnderWayMax || waitingForTokens[token.hash] != nil else {
            shown = .failure(.overloaded)
            return true
        }
        connections[live: slot].pointee.answer.insert(.isAwaited)
        look(at: token.text, token.hash, for: .connection(connections.key(ofLive: slot)))
        return false
    }

    /// What a request shows; of a token that is none it is told.
    func credentials(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> Credentials {
        // Nearly always this was found out a moment ago, as the head was read.
        if shown == nil, unknownToken(request) != nil { throw refusal(of: .overloaded) }
        switch shown {
        case .success(let credentials)?: return credentials
        case .failure(let fault)?: throw refusal(of: fault)
        case nil: return .none
        }
    }

    /// Finds out what a request shows. Returns a token of which nothing is known.
    private func unknownToken(_ request: borrowing HTTPRequest) -> (text: String, hash: SecretHash)? {
        shown = .success(.none)
        guard access.takesTokens || !access.apiKeys.isEmpty else { return nil }
        let bearer = bearer(request)
        if let key = key(shownAs: bearer) {
            shown = .success(Credentials(key: key))
            return nil
        }
        guard access.takesTokens, let token = bearer ?? tokenBeside(request) else { return nil }
        let hash = SecretHash(of: token)
        shown = knownIdentity(hash).map { outcome in outcome.map { Credentials(identity: $0) } }
        return shown == nil ? (token, hash) : nil
    }

    /// What is known of a token.
    private func knownIdentity(_ hash: SecretHash) -> Result<Identity, TokenFault>? {
        let known = knownTokens.find(hash, nowMilliseconds: wallMilliseconds)
        if case .success(let identity)? = known, isRevoked(identity) { return .failure(.revoked) }
        return known
    }

    /// The same; who shows nothing is whom the certificate of the connection names, if there is one.
    func credentials(_ request: borrowing HTTPRequest, on slot: Slot) throws(HTTPRejection) -> Credentials {
        let credentials = try credentials(request)
        guard credentials.identity == nil, credentials.key == nil, let identity = certifiedIdentity(of: slot),
            mayBeAmbient(request)
        else { return credentials }
        return Credentials(identity: identity)
    }

    private func refusal(of fault: TokenFault) -> HTTPRejection {
        logger.debug("a token is refused", metadata: ["reason": "\(fault.rawValue)"])
        metrics.accessTokensRefused.add()
        switch fault {
        case .overloaded: return HTTPRejection(status: 503, field: "access_token", reason: "come again")
        case .tooMany: return HTTPRejection(status: 429, field: "access_token", reason: "too many that are none")
        case .expired: return HTTPRejection(status: 401, field: "access_token", reason: "the token is expired")
        default: return HTTPRejection(status: 401, field: "access_token", reason: "not a token that is taken here")
        }
    }

    /// The token that a request carries elsewhere: in its query, among the subprotocols of a WebSocket, in a cookie.
    private func tokenBeside(_ request: borrowing HTTPRequest) -> String? {
        if request.head.query.count > 0, let token = try? request.parameter("access_token"), !token.isEmpty {
            return token
        }
        if request.head[.secWebSocketProtocol] != nil,
            let token = WebSocketSubprotocols.token(among: WebSocketSubprotocols.offered(request))
        {
            return token
        }
        return cookieToken(request)
    }

    private func cookieToken(_ request: borrowing HTTPRequest) -> String? {
        guard let name = access.tokenCookie, request.head[.cookie] != nil, mayBeAmbient(request) else { return nil }
        let start = "\(name)="
        for line in request.texts(of: .cookie) {
            for part in line.split(separator: ";") {
                let pair = part.drop { $0 == " " }
                if pair.hasPrefix(start), pair.count > start.count { return String(pair.dropFirst(start.count)) }
            }
        }
        return nil
    }

    /// Tells who shows a token that is not taken. A page learns of it by a WebSocket only if there is one.
    func refuseToken(
        _ request: borrowing HTTPRequest,
        _ exchange: Exchange,
        _ rejection: HTTPRejection
    ) throws(HTTPRejection) {
        if rejection.status == 401 { noteTokenRefused(exchange.slot) }
        if rejection.status == 401, request.isPath("/ws"), WebSocketHandshake.rejection(request) == nil {
            let isExpired = "\(rejection.reason)" == "the token is expired"
            return try refuseWebSocket(request, exchange, isExpired ? .tokenExpired : .unauthorized)
        }
        refuse(exchange, status: rejection.status, rejection.reason, field: rejection.field) {
            if rejection.status == 401 {
                $0.append(field: "WWW-Authenticate", "Bearer error=\"invalid_token\"")
            } else {
                $0.append(field: "Retry-After", 1)
            }
        }
    }

    /// How long what somebody shows lasts.
    func leftMilliseconds(_ credentials: Credentials) -> UInt64 {
        guard let end = credentials.identity?.endMilliseconds else { return .max }
        return end - min(end, wallMilliseconds)
    }

    // MARK: Looking

    /// Who waits for a token to be looked at.
    enum TokenAsker {
        /// A connection, whose request is understood once it is.
        case connection(SlabKey)
        /// A command of a WebSocket.
        case command(SlabKey, id: [UInt8]?)
        /// Messages of Bayeux.
        case batch(BayeuxBatch)
        /// An operator, who takes it back.
        case operation(Exchange)
    }

    /// Has a token looked at, once for all who show it meanwhile.
    private func look(at token: String, _ hash: SecretHash, for asker: TokenAsker) {
        if waitingForTokens[hash] != nil {
            waitingForTokens[hash]?.append(asker)
            return
        }
        waitingForTokens[hash] = [asker]
        nextTicket += 1
        tokensUnderWay[nextTicket] = hash
        tokens.post(.verify(Ticket(reactor: number, number: nextTicket), Array(token.utf8)))
    }

    func answerToken(_ ticket: Ticket, _ outcome: Result<Identity, TokenFault>) {
        guard let hash = tokensUnderWay.removeValue(forKey: ticket.number) else { return }
        metrics.accessTokensLookedAt.add()
        knownTokens.insert(outcome, for: hash, nowMilliseconds: wallMilliseconds)
        let outcome = knownIdentity(hash) ?? outcome
        for asker in waitingForTokens.removeValue(forKey: hash) ?? [] {
            switch asker {
            case .connection(let connection):
                guard let waiting = connections.pointer(to: connection), waiting.pointee.isOpen else { continue }
                waiting.pointee.answer.remove(.isAwaited)
                goOn(connection.slot)
            case .command(let connection, let id):
                guard let waiting = connections.pointer(to: connection), waiting.pointee.isOpen else { continue }
                authenticate(connection.slot, outcome, id: id)
            case .batch(let batch): if isWaitedFor(batch) { begin(batch, outcome) }
            case .operation(let exchange): revoke(exchange, outcome)
            }
        }
    }

    /// Finds out whose a token is that an operator takes back.
    func identify(_ exchange: Exchange, _ token: String) {
        let hash = SecretHash(of: token)
        if let known = knownTokens.find(hash, nowMilliseconds: wallMilliseconds) { return revoke(exchange, known) }
        guard access.takesTokens, waitingForTokens.count < limits.tokensUnderWayMax else {
            return revoke(exchange, .failure(access.takesTokens ? .overloaded : .unknownKey))
        }
        look(at: token, hash, for: .operation(exchange))
    }

    // MARK: Readers

    /// What is known of who reads by a connection.
    func credentials(of slot: Slot) -> Credentials {
        guard connections[live: slot].pointee.isSomebody else { return .none }
        return credentials[connections.key(ofLive: slot)] ?? .none
    }

    /// A connection becomes the reader of somebody; what a token allows ends with it.
    func note(_ shown: Credentials, of slot: Slot) {
        guard shown.identity != nil || shown.key != nil else { return }
        let key = connections.key(ofLive: slot)
        connections[live: slot].pointee.isSomebody = true
        var all = credentials[key] ?? .none
        all.identity = shown.identity ?? all.identity
        all.key = shown.key ?? all.key
        keep(all, of: key)
        nextIdentityEnd = min(nextIdentityEnd, all.identity?.endMilliseconds ?? .max)
    }

    /// Lets go of those whose tokens have expired. They come back with others, and with their cursors.
    func endIdentities() {
        guard nextIdentityEnd <= wallMilliseconds else { return }
        // Found anew on the way.
        nextIdentityEnd = .max
        judgeIdentities()
    }

    /// Lets go of a reader whose token is not good any more; says whether it was. A poll ends by itself as its token does.
    func endIdentity(of slot: Slot) -> Bool {
        guard let identity = identity(of: slot) else { return false }
        let isReader = credentials(of: slot).identity != nil
        if isRevoked(identity) {
            metrics.accessTokensRevoked.add()
        } else if isReader, identity.isOver(at: wallMilliseconds) {
            metrics.accessTokensExpired.add()
        } else {
            if isReader { nextIdentityEnd = min(nextIdentityEnd, identity.endMilliseconds ?? .max) }
            return false
        }
        sendAway(connections.key(ofLive: slot))
        return true
    }

    /// Whether a token was taken back.
    private func isRevoked(_ identity: Identity) -> Bool { revocations.contains(identity) }

    /// Whether what a token said when it was shown still holds.
    func isGood(_ identity: Identity) -> Bool { !identity.isOver(at: wallMilliseconds) && !isRevoked(identity) }

    /// What was shown some time ago, as far as it still counts: with the key as it is by now. Nothing once it is over.
    func present(_ shown: Credentials) -> Credentials? {
        if let identity = shown.identity, !isGood(identity) { return nil }
        guard let key = shown.key else { return shown }
        return access.apiKey(of: key.hash).map { Credentials(identity: shown.identity, key: $0) }
    }

    /// Tokens are taken back: what they allowed ends now.
    func revoke(_ news: [Revocation]) {
        for revocation in news { revocations.insert(revocation) }
        judgeIdentities()
    }

    /// Ends what a reader's token allowed.
    func sendAway(_ key: SlabKey) {
        guard let connection = connections.pointer(to: key), connection.pointee.isOpen else { return }
        hub.dismiss(key.slot.client, .tokenExpired, afterMilliseconds: drawReconnectMilliseconds())
    }

    // MARK: Bayeux

    /// Has the token looked at that stands in messages.
    func identify(_ batch: BayeuxBatch, _ token: String) {
        let hash = SecretHash(of: token)
        if let known = knownIdentity(hash) { return begin(batch, known) }
        guard !showsTooManyTokens(batch.connection.slot) else { return begin(batch, .failure(.tooMany)) }
        guard waitingForTokens.count < limits.tokensUnderWayMax else { return begin(batch, .failure(.overloaded)) }
        look(at: token, hash, for: .batch(batch))
    }

    private func begin(_ batch: BayeuxBatch, _ outcome: Result<Identity, TokenFault>) {
        switch outcome {
        case .success(let identity):
            // A socket's session is its user's: for another one there is a handshake.
            if batch.handshake == nil, let socket = batch.socket, socket.token != nil,
                !SessionOwner.allows(identity, of: socket.notes.identity)
            {
                batch.tokenFault = .forbidden("")
                break
            }
            batch.credentials.identity = identity
            becomeKnown(batch)
        case .failure(let fault):
            let status = refusal(of: fault).status
            if status == 401 { noteTokenRefused(batch.connection.slot) }
            batch.tokenFault = status == 503 ? .unavailable : status == 429 ? .tooOften : .unauthorized
        }
        beginIdentified(batch)
    }

    /// A WebSocket becomes that of somebody whom messages of it name, unless that is one connection too many.
    func becomeKnown(_ batch: BayeuxBatch) {
        guard let socket = batch.socket else { return }
        guard become(batch.credentials, socket) else { return batch.tokenFault = .tooOften }
    }

    /// Makes a WebSocket somebody's; says no if those are as many as its user may have without it.
    func become(_ who: Credentials, _ socket: BayeuxSocket) -> Bool {
        let known = credentials(of: socket.connection.slot)
        if MeteredUser(who) != MeteredUser(known), hasTooManyConnections(who) { return false }
        note(who, of: socket.connection.slot)
        bequeath(socket.connection.slot)
        return true
    }

    /// What is known of who sent messages: by what they show, else by what the session keeps.
    func credentials(of batch: BayeuxBatch) -> Credentials {
        let known = batch.socket.map { credentials[$0.connection] ?? .none }
        let shown = present(known ?? batch.credentials) ?? .none
        guard shown.identity == nil, let kept = batch.notes.identity, isGood(kept) else { return shown }
        return Credentials(identity: kept, key: shown.key)
    }

    // MARK: The command `authenticate`

    /// A WebSocket shows a token: its first, or another one in the place of one that ends soon.
    func authenticate(_ slot: Slot, token: String, id: [UInt8]?) {
        guard access.takesTokens else { return sendError(slot, id: id, code: 400, "no tokens are taken here") }
        let hash = SecretHash(of: token)
        if let known = knownIdentity(hash) { return authenticate(slot, known, id: id) }
        guard !showsTooManyTokens(slot) else { return authenticate(slot, .failure(.tooMany), id: id) }
        guard waitingForTokens.count < limits.tokensUnderWayMax else {
            return sendError(slot, id: id, code: 503, "come again")
        }
        look(at: token, hash, for: .command(connections.key(ofLive: slot), id: id))
    }

    private func authenticate(_ slot: Slot, _ outcome: Result<Identity, TokenFault>, id: [UInt8]?) {
        switch outcome {
        case .failure(let fault):
            let rejection = refusal(of: fault)
            if rejection.status == 401 { noteTokenRefused(slot) }
            sendError(slot, id: id, code: UInt16(clamping: rejection.status), "token: \(rejection.reason)")
        case .success(let identity):
            let known = credentials(of: slot).identity
            if let known, !SessionOwner.isSame(known.user, identity.user), known.user != nil || known.given.isEmpty {
                return sendError(slot, id: id, code: 403, "token: of another user than this connection's")
            }
            if known?.user == nil, hasTooManyConnections(Credentials(identity: identity)) {
                let wait = drawReconnectMilliseconds()
                return sendError(slot, id: id, code: 429, "too many connections", retryMilliseconds: wait)
            }
            let given = known?.given ?? []
            note(Credentials(identity: given.isEmpty ? identity : identity.with(given: given)), of: slot)
            hub.send(
                .authenticated(id: id, user: identity.user, endMilliseconds: identity.endMilliseconds),
                to: slot.client
            )
            hub.enterAgain(slot.client)
            bequeath(slot)
            dropForbidden(slot)
        }
    }
}
