internal import Broker
internal import Reactor
internal import Wire

/// Wires the parts of a client together: what the connection wants done is done here, and what happens is told to it.
///
/// Thread: that of its client, which makes it, runs it and drops it.
final class ClientReactor: ReactorHandler {
    enum Link {
        case stream(StreamLink)
        /// The question that is held.
        case poll(UInt64)
    }

    let configuration: ClientConfiguration
    let space: SocketSpace
    let desk: AskDesk
    var connection: Connection
    private var readers = Readers()
    var publisher: Publisher
    let tokens: TokenDesk
    var link: Link?

    /// The token that the link there is was opened with: a poll shows it again.
    var shownToken: String?

    var isPaused = false
    var isPollDue = false

    private(set) var isFinished = false

    init(_ configuration: ClientConfiguration, _ reactor: Reactor<ClientOrder>) {
        self.configuration = configuration
        let options = configuration.options
        space = SocketSpace(reactor, authorities: options.authorities)
        desk = AskDesk(space, openMilliseconds: options.openMilliseconds, answerBytesMax: options.answerBytesMax)
        publisher = Publisher(waitingMax: options.publicationsWaitingMax)
        tokens = TokenDesk(options.token, answerMilliseconds: options.answerMilliseconds, orders: reactor.inbox)
        connection = Connection(configuration)
    }

    var options: ClientOptions { configuration.options }

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
        case .token(let result): tokens.took(result, now: space.now)
        case .close: close()
        }
        perform()
    }

    func tick(_ tick: Tick) {}

    func endOfTurn() -> Bool {
        let now = space.now
        if let deadline = connection.deadline, deadline <= now { connection.timeIsUp(now: now) }
        tokens.timeIsUp(now: now)
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
        let deadlines = [connection.deadline, desk.deadline, publisher.deadline, tokens.deadline].compactMap { $0 }
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
        tokens.close(now: space.now)
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
        let isBehind = connection.goBack(since, now: space.now)
        for channel in channels where known.contains(channel) && (since[channel] == nil || !isBehind) {
            guard let position = connection.place[channel] else { continue }
            readers.tell(id, that: channel, isOpenAt: position, isRecovered: since[channel].map { _ in true })
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
    func perform() {
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
            tokens.withToken(now: space.now) { [unowned self] token in
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
                openMilliseconds: options.openMilliseconds,
                maxRate: options.maxRate
            ),
            session: session
        )
    }
}
