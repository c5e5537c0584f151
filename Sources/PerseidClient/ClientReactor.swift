internal import Broker
internal import Reactor
internal import Wire

/// Wires the parts of a client together: what the connection wants done is done here, and what happens is told to it.
///
/// Thread: that of its client, which makes it, runs it and drops it.
final class ClientReactor: ReactorHandler {
    private enum Link {
        case stream(StreamLink)
        /// The question that is held.
        case poll(UInt64)
    }

    private let configuration: ClientConfiguration
    private let space: SocketSpace
    private let desk: AskDesk
    private var connection: Connection
    private var readers = Readers()
    private var publisher: Publisher
    private var tokens: TokenKeeper
    private var link: Link?

    /// The token that the link there is was opened with: a poll shows it again.
    private var shownToken: String?

    /// Those who wait for a token, and until when.
    private var tokenWaiters: [(Result<String?, PerseidError>) -> Void] = []
    private var tokenTask: Task<Void, Never>?
    private var tokenEnd: UInt64 = 0

    private var isPaused = false
    private var isPollDue = false

    private(set) var isFinished = false

    init(_ configuration: ClientConfiguration, _ reactor: Reactor<ClientOrder>) {
        self.configuration = configuration
        orders = reactor.inbox
        let options = configuration.options
        space = SocketSpace(reactor, authorities: options.authorities)
        desk = AskDesk(space, openMilliseconds: options.openMilliseconds, answerBytesMax: options.answerBytesMax)
        publisher = Publisher(waitingMax: options.publicationsWaitingMax)
        tokens = TokenKeeper(options.token)
        connection = Connection(configuration)
    }

    private let orders: Inbox<ClientOrder>

    private var options: ClientOptions { configuration.options }

    // MARK: What the reactor brings

    func ready(token: UInt64, readiness: Readiness) {
        guard case .stream(let stream)? = link, stream.socket.token == token else {
            _ = desk.ready(token, readiness)
            return
        }
        var isSpeaking = false
        let end = stream.ready(readiness) { event in
            isSpeaking = true
            take(event, from: stream)
        }
        if isSpeaking { connection.noteOpen(now: space.now) }
        if let end, isLink(stream) { connection.end(end, now: space.now) }
        perform()
    }

    func receive(_ order: ClientOrder) {
        guard !isFinished else { return order.fail(.closed) }
        switch order {
        case .subscribe(let id, let channels, let since, let mailbox): subscribe(id, channels, since, mailbox)
        case .unsubscribe(let id):
            readers.remove(id)
            connection.want(readers.channels, now: space.now)
        case .drained: break
        case .publish(let line, let promise, let milliseconds):
            publisher.add(line, promise, end: space.now &+ milliseconds)
        case .ask(let path, let promise): ask(path, promise)
        case .token(let result): took(result)
        case .close: close()
        }
        perform()
    }

    func tick(_ tick: Tick) {}

    func endOfTurn() -> Bool {
        let now = space.now
        if let deadline = connection.deadline, deadline <= now { connection.timeIsUp(now: now) }
        if tokenTask != nil, tokenEnd <= now {
            let text = "no token in \(options.answerMilliseconds) ms"
            took(.failure(PerseidError(message: text)))
        }
        if case .stream(let stream)? = link, let end = stream.lookForAddress() { connection.end(end, now: now) }
        desk.timeIsUp(now: now)
        publish(now: now)
        perform()
        pauseOrNot()
        return false
    }

    var patienceMilliseconds: Int32 {
        var isResolving = desk.isResolving
        if case .stream(let stream)? = link { isResolving = isResolving || stream.socket.isResolving }
        if isResolving { return Self.lookupMilliseconds }
        let tokenDeadline = tokenTask == nil ? nil : tokenEnd
        let deadlines = [connection.deadline, desk.deadline, publisher.deadline, tokenDeadline].compactMap { $0 }
        guard let next = deadlines.min() else { return .max }
        let now = space.now
        return next > now ? Int32(clamping: next - now) : 0
    }

    /// Milliseconds between two looks whether a name server answered: nothing wakes the thread for it.
    private static let lookupMilliseconds: Int32 = 5

    private func close() {
        readers.end(nil)
        publisher.end(.closed)
        connection.want([], now: space.now)
        perform()
        tokenTask?.cancel()
        took(.failure(.closed))
        desk.close()
        isFinished = true
    }

    // MARK: Subscriptions

    private func subscribe(
        _ id: UInt64,
        _ channels: [ChannelName],
        _ since: [ChannelName: Broker.Position],
        _ mailbox: Mailbox
    ) {
        let known = readers.channels
        readers.add(id, channels, since: since, mailbox)
        connection.goBack(since, now: space.now)
        for channel in channels where known.contains(channel) && since[channel] == nil {
            if let position = connection.place[channel] { readers.tell(id, that: channel, isOpenAt: position) }
        }
        connection.want(readers.channels, now: space.now)
    }

    /// Stops reading while some loop is too slow, and goes on once it is not.
    private func pauseOrNot() {
        guard readers.isFull != isPaused else { return }
        isPaused.toggle()
        connection.setPaused(isPaused, now: space.now)
        switch link {
        case .stream(let stream)?:
            if let end = stream.setPaused(isPaused) { connection.end(end, now: space.now) }
        case .poll?, nil: if !isPaused { pollAgain() }
        }
        perform()
    }

    // MARK: The connection's wishes

    /// Does what the connection wants done, until it wants nothing more.
    private func perform() {
        var actions = connection.takeActions()
        // bounded: each round opens a link at most, and one that fails at once waits for the next turn
        while !actions.isEmpty {
            for action in actions { perform(action) }
            actions = connection.takeActions()
        }
    }

    private func perform(_ action: Connection.Action) {
        switch action {
        case .needToken:
            withToken { [unowned self] token in
                if case .success(let text) = token { shownToken = text }
                connection.take(token: token, replaceAt: tokens.replaceAt, now: space.now)
            }
        case .dropToken: tokens.drop()
        case .open(let plan): open(plan)
        case .closeLink: closeLink()
        case .say(let word):
            guard case .stream(let stream)? = link, let end = stream.say(word) else { return }
            connection.end(end, now: space.now)
        case .deliver(let message): readers.deliver(message)
        case .deny(let channel, let error):
            readers.end(channel, error)
            connection.want(readers.channels, now: space.now)
        case .tell(let state): readers.tell(state)
        case .end(let error): readers.end(error)
        }
    }

    private func open(_ plan: LinkPlan) {
        guard plan.transport.isStream else { return poll(plan) }
        let address = configuration.addresses[plan.addressIndex]
        let stream = StreamLink(plan, to: address, in: space, messageBytesMax: options.messageBytesMax)
        link = .stream(stream)
        let end = stream.start() ?? (isPaused ? stream.setPaused(true) : nil)
        connection.setPaused(isPaused, now: space.now)
        if let end { connection.end(end, now: space.now) }
    }

    private func closeLink() {
        switch link {
        case .stream(let stream)?: stream.close()
        case .poll(let id)?: desk.forget(id)
        case nil: break
        }
        link = nil
        isPollDue = false
    }

    private func isLink(_ stream: StreamLink) -> Bool {
        if case .stream(let current)? = link { current === stream } else { false }
    }

    private func take(_ event: StreamLink.Event, from stream: StreamLink) {
        let now = space.now
        switch event {
        case .sign:
            connection.heardSomething(now: now)
        case .finding(.message(let message, let cursor)): connection.hear(message, cursor: cursor, now: now)
        case .finding(.answer(let frames)): if let end = stream.send(frames) { connection.end(end, now: now) }
        case .finding(.close): break
        }
    }

    // MARK: Polls

    private func poll(_ plan: LinkPlan) {
        let address = configuration.addresses[plan.addressIndex]
        let milliseconds = plan.isImmediate ? options.openMilliseconds : LinkState.heartbeatSeconds * 1_500
        var isAnswered = false
        let id = desk.ask([address], milliseconds: milliseconds) { address, output in
            LinkRequest.append(plan, to: address, key: "", output: &output)
        } complete: { [unowned self] outcome in
            isAnswered = true
            link = nil
            took(outcome)
            perform()
        }
        if !isAnswered { link = .poll(id) }
    }

    private func took(_ outcome: AskOutcome) {
        let now = space.now
        switch outcome {
        case .failure(let failure): connection.end(.lost(failure.error), now: now)
        case .success(let answer) where answer.head.status != 200:
            connection.end(.refused(PerseidError(answer.head, body: answer.body)), now: now)
        case .success(let answer):
            do throws(PerseidError) {
                try take(answer, now: now)
                isPollDue = true
                if !isPaused { pollAgain() }
            } catch {
                connection.end(.blocked(error), now: now)
            }
        }
    }

    private func take(_ answer: AskAnswer, now: UInt64) throws(PerseidError) {
        let read = answer.body.withUnsafeBytes { bytes in
            Result { () throws(PerseidError) in try PollAnswer(bytes) }
        }
        let told = try read.get()
        let isFirst = connection.link?.isOpen == false
        connection.heardSomething(now: now)
        if isFirst {
            let welcome = ServerMessage.welcome(
                session: answer.head["perseid-session"],
                node: nil,
                heartbeatSeconds: nil
            )
            connection.hear(welcome, now: now)
        }
        for message in told.messages { connection.hear(message, now: now) }
        if let cursor = told.cursor { connection.take(cursor) }
        guard isFirst, let channels = connection.link?.channels else { return }
        for channel in channels { connection.hear(.subscribed(channel, nil, isRecovered: told.isRecovered), now: now) }
    }

    private func pollAgain() {
        perform()
        guard isPollDue, link == nil, let plan = connection.plan(with: shownToken), !plan.transport.isStream else {
            return
        }
        isPollDue = false
        poll(plan)
    }

    // MARK: Questions

    /// The addresses in the order in which they are asked: the one there is a link to first.
    private var addresses: [NodeAddress] {
        let place = connection.currentAddressIndex
        let all = configuration.addresses
        return Array(all[place...] + all[..<place])
    }

    private func publish(now: UInt64) {
        guard let body = publisher.takeBatch(now: now) else { return }
        ask(method: "POST", "/publish", body) { [unowned self] outcome in
            let now = space.now
            switch outcome {
            case .success(let answer) where answer.head.status == 200:
                publisher.take(answers: answer.body, error: nil, now: now)
            case .success(let answer):
                publisher.take(answers: [], error: PerseidError(answer.head, body: answer.body), now: now)
            case .failure(let failure): publisher.take(answers: failure.body, error: failure.error, now: now)
            }
            publish(now: now)
        }
    }

    private func ask(_ path: String, _ promise: Promise<[UInt8]>) {
        ask(method: "GET", path, nil) { outcome in
            switch outcome {
            case .success(let answer) where answer.head.status == 200: promise.resolve(.success(answer.body))
            case .success(let answer): promise.resolve(.failure(PerseidError(answer.head, body: answer.body)))
            case .failure(let failure): promise.resolve(.failure(failure.error))
            }
        }
    }

    /// Asks with the token there is; once more with another one, where that is not taken and there can be another.
    private func ask(
        method: StaticString,
        _ target: String,
        _ body: [UInt8]?,
        mayRenew: Bool = true,
        complete: @escaping (AskOutcome) -> Void
    ) {
        withToken { [unowned self] token in
            guard case .success(let token) = token else {
                if case .failure(let error) = token { complete(.failure(AskFailure(error: error, body: []))) }
                return
            }
            desk.ask(addresses, milliseconds: options.answerMilliseconds) { address, output in
                Self.append(method, target, body, token, to: address, &output)
            } complete: { [unowned self] outcome in
                if case .success(let answer) = outcome, answer.head.status == 401, mayRenew, tokens.provider != nil {
                    tokens.drop()
                    return ask(method: method, target, body, mayRenew: false, complete: complete)
                }
                complete(outcome)
            }
        }
    }

    private static func append(
        _ method: StaticString,
        _ target: String,
        _ body: [UInt8]?,
        _ token: String?,
        to address: NodeAddress,
        _ output: inout ByteBuffer
    ) {
        output.append(method)
        output.append(utf8: " \(target) HTTP/1.1\r\n")
        output.append(field: "Host", utf8: address.authority)
        LinkRequest.appendCredentials(token, to: &output)
        if let body {
            output.append(field: "Content-Type", "application/x-ndjson")
            output.append(field: "Content-Length", UInt64(body.count))
        }
        output.appendHeadEnd()
        if let body { output.append(body) }
    }

    // MARK: Tokens

    /// Does something with the token that is to be shown now, as soon as there is one.
    private func withToken(_ then: @escaping (Result<String?, PerseidError>) -> Void) {
        if let known = tokens.known(now: space.now) {
            if let known, let objection = TokenKeeper.objection(to: known) { return then(.failure(objection)) }
            return then(.success(known))
        }
        tokenWaiters.append(then)
        guard tokenTask == nil, let provider = tokens.provider else { return }
        tokenEnd = space.now &+ options.answerMilliseconds
        let orders = orders
        tokenTask = Task {
            do {
                orders.post(.token(.success(try await provider())))
            } catch {
                let error = error as? PerseidError ?? PerseidError(message: "no token: \(error)")
                orders.post(.token(.failure(error)))
            }
        }
    }

    private func took(_ result: Result<String, PerseidError>) {
        // One that comes too late is of use, too.
        var outcome = result.map { Optional($0) }
        if case .success(let token) = result {
            if let objection = TokenKeeper.objection(to: token) {
                outcome = .failure(objection)
            } else {
                tokens.take(token, now: space.now, realtime: Clock.realtimeMilliseconds)
            }
        }
        tokenTask = nil
        let waiters = tokenWaiters
        tokenWaiters = []
        for waiter in waiters { waiter(outcome) }
    }
}

extension Connection {
    /// A client's connection, that goes by its options.
    init(_ configuration: ClientConfiguration) {
        let options = configuration.options
        var session: String?
        if case .resumed(let token) = options.session { session = token }
        var isTokenRenewable = false
        if case .provider? = options.token { isTokenRenewable = true }
        self.init(
            Settings(
                addresses: configuration.addresses.map(\.url),
                transports: options.transports,
                hasSession: options.session != .none,
                isTokenRenewable: isTokenRenewable,
                openMilliseconds: options.openMilliseconds
            ),
            session: session
        )
    }
}
