internal import Broker

/// Keeps a client connected for as long as it reads channels: by the best transport that works, with one node after the other.
///
/// It does no input or output and reads no clock: it is told what happens and when, in milliseconds of one monotonic clock, and says what
/// is to be done (`takeActions`) and when it wants to be asked again (`deadline`). A client's place moves with what it was told, so
/// whatever way is next goes on from there.
struct Connection {
    /// What is to be done, in this order.
    enum Action {
        /// A token is wanted, by `take(token:)`.
        case needToken
        /// The token that there is is not taken: the next one is another.
        case dropToken
        /// Opens a link.
        case open(LinkPlan)
        /// Closes the one there is.
        case closeLink
        /// Says something over the link.
        case say(ClientWord)
        /// Tells the readers.
        case deliver(ServerMessage)
        /// A channel is not for this client.
        case deny(ChannelName, PerseidError)
        /// Tells how it stands.
        case tell(ConnectionState)
        /// It is over for all readers.
        case end(PerseidError)
    }

    /// What does not change.
    struct Settings {
        let addresses: [String]
        let transports: [Transport]
        let hasSession: Bool
        /// Whether there can be another token than the one there is.
        let isTokenRenewable: Bool
        let openMilliseconds: UInt64
        /// Batches a second and channel, at most.
        var maxRate: Double?
    }

    private enum Phase {
        case idle
        case waitingForToken
        case linked
        case waiting(end: UInt64)
    }

    private let settings: Settings
    private var phase = Phase.idle
    private var actions: [Action] = []

    private var wanted: Set<ChannelName> = []
    private(set) var place = Place()
    private(set) var session: String? {
        didSet { if session == nil { held = [] } }
    }

    /// What the session brings back on whichever node: what was read over the last link that was open.
    private var held: Set<ChannelName> = []

    private(set) var link: LinkState?

    private var attempts: Attempts
    private var tokenReplaceAt: UInt64?

    init(_ settings: Settings, session: String? = nil) {
        self.settings = settings
        self.session = session
        attempts = Attempts(
            settings.transports,
            addressCount: settings.addresses.count,
            isTokenRenewable: settings.isTokenRenewable
        )
    }

    /// Takes what is to be done.
    mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    /// When something is to be done without anything having happened.
    var deadline: UInt64? {
        if case .waiting(let end) = phase { return end }
        return link?.deadline
    }

    /// The index of the address that there is a link to, or that is next.
    var currentAddressIndex: Int { link?.addressIndex ?? attempts.addressIndex }

    // MARK: What the client wants

    /// The channels that are read may be others than before.
    mutating func want(_ channels: Set<ChannelName>, now: UInt64) {
        let isLess = !wanted.isSubset(of: channels)
        wanted = channels
        place.kept = channels
        // Who reads them again later begins anew.
        if isLess { place.leaveOthers() }
        // A session would bring back what is read no longer, where its node is not told.
        if wanted.isEmpty || link?.isOpen != true, !held.isSubset(of: wanted) { session = nil }
        guard !wanted.isEmpty else { return rest() }
        if case .idle = phase { return begin(now: now) }
        adjust(now: now)
    }

    /// Goes back to where somebody is who has had less: what is read already is read again from there. Says whether there was anything.
    mutating func goBack(_ positions: [ChannelName: Broker.Position], now: UInt64) -> Bool {
        guard place.goBack(positions) else { return false }
        if link != nil { turn(now: now) }
        return true
    }

    /// Ends it for all, for good.
    mutating func close(_ error: PerseidError) {
        actions.append(.end(error))
        rest()
    }

    private mutating func rest() {
        dropLink()
        phase = .idle
        wanted = []
        place = Place()
    }

    /// What comes is not read for a while, or is again.
    mutating func setPaused(_ isPaused: Bool, now: UInt64) {
        link?.isPaused = isPaused
        link?.pinged = nil
        link?.heard = now
        link?.openEnd = now &+ settings.openMilliseconds
    }

    // MARK: A link begins

    private mutating func begin(now: UInt64) {
        phase = .waitingForToken
        actions.append(.tell(.connecting))
        actions.append(.needToken)
    }

    /// A token is there, or there is none. `replaceAt` is when another one should be shown.
    mutating func take(token: Result<String?, PerseidError>, replaceAt: UInt64?, now: UInt64) {
        switch (phase, token) {
        case (.waitingForToken, .success(let token)):
            tokenReplaceAt = replaceAt
            open(with: token, now: now)
        case (.waitingForToken, .failure(let error)) where !settings.isTokenRenewable: close(error)
        case (.waitingForToken, .failure(let error)): learn(.lost(error), wasOpen: false, now: now)
        case (.linked, .success(let token?)):
            tokenReplaceAt = replaceAt
            show(token, now: now)
        case (.linked, .failure): link?.tokenAt = now &+ LinkState.againMilliseconds
        default: break
        }
    }

    private mutating func open(with token: String?, now: UInt64) {
        phase = .linked
        link = LinkState(
            attempts.transport,
            addressIndex: attempts.addressIndex,
            channels: wanted,
            now: now,
            openMilliseconds: settings.openMilliseconds
        )
        if let plan = plan(with: token) { actions.append(.open(plan)) }
    }

    /// What a link is opened with, or the next question of one that asks again and again.
    mutating func plan(with token: String?) -> LinkPlan? {
        guard let link else { return nil }
        return LinkPlan(
            transport: link.transport,
            addressIndex: link.addressIndex,
            token: token,
            channels: link.channels.sorted { $0.text < $1.text },
            cursor: place.text(),
            session: settings.hasSession ? session : "none",
            isImmediate: !link.isOpen,
            maxRate: settings.maxRate
        )
    }

    /// Shows another token before the one there is ends: by a command, or by a link of its own.
    private mutating func show(_ token: String, now: UInt64) {
        // One that is still being opened shows a token already, and hears nothing yet.
        guard let link, link.isOpen else { return }
        guard link.transport.takesCommands else { return turn(now: now) }
        actions.append(.say(.authenticate(token)))
        scheduleToken(now: now)
    }

    private mutating func scheduleToken(now: UInt64) {
        link?.tokenAt = tokenReplaceAt.map { max($0, now &+ LinkState.againMilliseconds) }
    }

    // MARK: What the node says

    /// Bytes came.
    mutating func heardSomething(now: UInt64) {
        link?.heard = now
        link?.pinged = nil
    }

    /// Whatever came, it was something that this transport says: there is a way.
    mutating func noteOpen(now: UInt64) {
        guard var link, !link.isOpen else { return }
        link.isOpen = true
        held = link.channels
        link.goodAt = now &+ LinkState.goodMilliseconds
        link.climbAt = attempts.noteOpen(now: now)
        self.link = link
        scheduleToken(now: now)
        actions.append(
            .tell(
                .open(
                    transport: link.transport,
                    node: link.node,
                    address: settings.addresses[link.addressIndex],
                    session: session
                )
            )
        )
        adjust(now: now)
    }

    /// A message, and, of some transports, the cursor behind it.
    mutating func hear(_ message: ServerMessage, cursor: Broker.Cursor? = nil, now: UInt64) {
        guard link != nil else { return }
        // A goodbye that comes first says that there was nothing.
        if case .bye(let error) = message { return end(.refused(error), now: now) }
        if case .welcome(let session, let node, let heartbeatSeconds) = message {
            self.session = settings.hasSession ? session ?? self.session : nil
            attempts.noteWelcome()
            link?.node = node
            if let heartbeatSeconds { link?.expect(heartbeatSeconds: heartbeatSeconds) }
        }
        noteOpen(now: now)
        switch message {
        case .welcome, .unsubscribed, .bye, .other: break
        case .subscribed(let channel, let position, let isRecovered):
            beginChannel(channel, at: position, isRecovered: isRecovered)
        case .error(let id, let channel, let error): hear(error, id: id, of: channel, now: now)
        case .message(let channel, let position, _, _):
            actions.append(.deliver(message))
            if let position, cursor == nil { move(channel, position) }
        case .gap(let channel, _, let to):
            actions.append(.deliver(message))
            if cursor == nil { move(channel, to) }
        }
        if let cursor { place.take(cursor) }
    }

    /// The cursor behind all that came.
    mutating func take(_ cursor: Broker.Cursor) { place.take(cursor) }

    /// The client is there now. What was on its way when its channel was given up does not count.
    private mutating func move(_ channel: ChannelName, _ position: Broker.Position) {
        if place.isKept(channel) { place.set(channel, position) }
    }

    /// A channel begins here: behind the client's place, or, where what followed that is gone, elsewhere.
    private mutating func beginChannel(_ channel: ChannelName, at position: Broker.Position?, isRecovered: Bool?) {
        let from = place[channel]
        let to = position ?? from
        if isRecovered == false, let from, let to, from != to {
            actions.append(.deliver(.gap(channel, from: from, to: to)))
        }
        if isRecovered != true, let to { move(channel, to) }
        actions.append(.deliver(.subscribed(channel, to, isRecovered: isRecovered)))
    }

    private mutating func hear(_ error: PerseidError, id: String?, of channel: ChannelName?, now: UInt64) {
        if let channel { return deny(channel, error, now: now) }
        guard id == ClientWord.tokenID else { return actions.append(.tell(.complaint(error))) }
        // Where nobody asks for tokens, there is no use in showing another one.
        guard error.code != 400 else { return }
        actions.append(.dropToken)
        turn(now: now)
    }

    /// A channel is not for the client, or cannot be had now. It may have it already, as its session's.
    private mutating func deny(_ channel: ChannelName, _ error: PerseidError, now: UInt64) {
        if error.code == 409 { return }
        link?.channels.remove(channel)
        held.remove(channel)
        if error.code == 503 || error.code == 429 {
            link?.againAt = now &+ min(error.retryMilliseconds ?? LinkState.againMilliseconds, 60_000)
        } else {
            actions.append(.deny(channel, error))
        }
    }

    // MARK: What the node is told

    /// Reads what the client wants. A link that cannot be told is done anew.
    private mutating func adjust(now: UInt64) {
        guard let link, link.isOpen else { return }
        let added = wanted.subtracting(link.channels)
        let removed = link.channels.subtracting(wanted)
        guard !added.isEmpty || !removed.isEmpty else { return }
        guard link.transport.takesCommands else {
            // A session would bring back what is read no longer.
            if !removed.isEmpty { session = nil }
            return turn(now: now)
        }
        for channel in removed { actions.append(.say(.unsubscribe(channel))) }
        for channel in added { actions.append(.say(.subscribe(channel, since: place[channel]))) }
        self.link?.channels = wanted
        held = wanted
    }

    /// Ends a link for another one.
    private mutating func turn(now: UInt64) {
        dropLink()
        begin(now: now)
    }

    private mutating func dropLink() {
        guard link != nil else { return }
        link = nil
        actions.append(.closeLink)
    }

    // MARK: A link ends

    /// The link is over.
    mutating func end(_ reason: LinkEnd, now: UInt64) {
        guard let link else { return }
        dropLink()
        learn(reason, wasOpen: link.isOpen, now: now)
    }

    /// Takes note of why a link is over, and waits for the next attempt, makes it, or gives up.
    private mutating func learn(_ reason: LinkEnd, wasOpen: Bool, now: UInt64) {
        let address = settings.addresses[attempts.addressIndex]
        let refused = refusedChannel(reason)
        let verdict = attempts.learn(reason, wasOpen: wasOpen, isOfChannel: refused != nil, now: now)
        if let refused { actions.append(.deny(refused, reason.error)) }
        if verdict.losesSession { session = nil }
        if verdict.losesToken { actions.append(.dropToken) }
        switch verdict.next {
        case .atOnce: begin(now: now)
        case .over: close(reason.error)
        case .wait(let milliseconds):
            phase = .waiting(end: now &+ milliseconds)
            actions.append(.tell(.waiting(reason.error, address: address, milliseconds: milliseconds)))
        }
    }

    /// The channel that a node refuses for good, and with it the request that names it along with others.
    private func refusedChannel(_ reason: LinkEnd) -> ChannelName? {
        guard case .refused(let error) = reason, error.isFinal, error.code != 401 else { return nil }
        return error.channel.flatMap { ChannelName($0) }.flatMap { wanted.contains($0) ? $0 : nil }
    }

    // MARK: Time

    /// Does what is due.
    mutating func timeIsUp(now: UInt64) {
        if case .waiting(let end) = phase, end <= now { begin(now: now) }
        guard var link else { return }
        if !link.isOpen, !link.isPaused, link.openEnd <= now {
            return end(.blocked(Self.silence(settings.openMilliseconds)), now: now)
        }
        if Self.takeDue(&link.goodAt, now) { attempts.noteGood() }
        let (isToClimb, isToAsk) = (Self.takeDue(&link.climbAt, now), Self.takeDue(&link.againAt, now))
        if Self.takeDue(&link.tokenAt, now) { actions.append(.needToken) }
        self.link = link
        if isToClimb {
            attempts.climb(now: now)
            return turn(now: now)
        }
        if isToAsk { adjust(now: now) }
        listen(now: now)
    }

    private static func takeDue(_ time: inout UInt64?, _ now: UInt64) -> Bool {
        guard let due = time, due <= now else { return false }
        time = nil
        return true
    }

    /// Ends a link that is silent for too long. Who can be asked is asked first.
    private mutating func listen(now: UInt64) {
        guard let link, !link.isPaused else { return }
        if let pinged = link.pinged {
            guard now >= pinged &+ LinkState.pongMillisecondsMax else { return }
            return end(.lost(Self.silence(now &- link.heard)), now: now)
        }
        guard now >= link.heard &+ link.silenceMillisecondsMax else { return }
        guard link.isOpen, link.transport.takesCommands else {
            return end(.lost(Self.silence(now &- link.heard)), now: now)
        }
        self.link?.pinged = now
        actions.append(.say(.ping))
    }

    private static func silence(_ milliseconds: UInt64) -> PerseidError {
        PerseidError(message: "no sign of life in \(milliseconds) ms")
    }
}
