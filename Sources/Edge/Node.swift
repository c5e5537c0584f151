public import Backplane
internal import Broker
internal import Hooks
internal import Logging
public import Reactor
internal import TLS
internal import Trust

/// A running node: its reactors' threads, the uplink's, and nothing that a client would need back.
public final class Node: Sendable {
    /// What it counts and whether it is ready.
    public let status: NodeStatus

    private let uplink: SharedReactor<UplinkCommand>
    private let uplinkThread: Inbox<Void>
    private let drainMilliseconds: UInt64
    /// The thread that verifies tokens.
    private let tokens: Inbox<TokenQuestion>
    /// The thread that asks backends.
    private let hooks: Inbox<HookQuestion>
    let reports: [Inbox<UplinkReport>]
    private let edges = Endings()
    private let callers = Endings()
    private let keepers = Endings()

    /// Makes the backplane, in the uplink's seat.
    public typealias BackplaneMaker = @Sendable (ReactorSeat, UplinkMetrics) -> any Backplane

    /// Starts a node and returns once it listens.
    ///
    /// - Throws: if a thread, a descriptor or the port cannot be had.
    /// - Parameters:
    ///   - hasUplinkThread: whether the uplink has a thread that gives it turns while reactors are busy: right for a
    ///     backplane behind a network. One in memory has nothing to do but what the reactors ask of it.
    public init(
        _ configuration: EdgeConfiguration,
        hasUplinkThread: Bool,
        backplane: @escaping BackplaneMaker
    ) throws(SystemError) {
        HostProcess.ignoreBrokenPipes()
        HostProcess.giveBackLargeBlocks()
        try Self.refuseTakenPort(configuration)
        var configuration = configuration
        Self.leaveDescriptors(in: &configuration)
        if configuration.tls != nil { configuration.ticketSeed = TicketKeys.drawSecret() }
        Self.makeRoomForDescriptors(configuration)
        let metrics = (0..<configuration.reactorCount).map { _ in EdgeMetrics() }
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: metrics)
        status.rates.change(to: configuration.limits)
        var inboxes: [Inbox<UplinkReport>] = []
        for _ in metrics { inboxes.append(try Inbox()) }
        let reports = inboxes
        let (limits, rules) = (configuration.limits, configuration.rules)
        let uplink = try SharedReactor { seat in
            let uplink = Uplink(
                seat: seat,
                backplane: backplane(seat, status.uplink),
                reports: reports,
                limits: limits,
                rules: rules,
                metrics: status.uplink
            )
            uplink.start()
            return uplink
        }
        self.status = status
        self.uplink = uplink
        self.reports = reports
        uplinkThread = try Inbox()
        tokens = try Inbox()
        hooks = try Inbox()
        drainMilliseconds = configuration.limits.drainMilliseconds
        status.hooks.keySetsMissing.set(configuration.keySets.count)
        try startTokenThread(configuration)
        try startHookThread(configuration)
        for index in reports.indices { try startEdge(configuration, index) }
        if hasUplinkThread { try startUplinkThread() }
    }

    /// The port it listens on.
    public var port: UInt16 { status.port }

    /// The port for TLS; 0 where there is none.
    public var securePort: UInt16 { status.securePort }

    /// What Redis has for a node's last words where clients took all the time that there was to let them go: usually it takes
    /// them within 20 ms.
    private static let lastWordsMilliseconds: UInt64 = 1_000

    /// Lets the clients go and ends all threads; returns when they ended.
    public func stop() {
        let drained = Self.moment(afterMilliseconds: drainMilliseconds)
        for inbox in reports { inbox.post(.drain) }
        edges.wait()
        // In this order: what a backend has heard by then is taken out of the node's will.
        hooks.post(.stop)
        callers.wait()
        let deadline = max(drained, Self.moment(afterMilliseconds: Self.lastWordsMilliseconds))
        uplink.inbox.post(.stop(untilNanoseconds: deadline))
        uplink.takeTurns()
        uplinkThread.post(())
        tokens.post(.stop)
        keepers.wait()
    }

    /// A time of the monotonic clock, in nanoseconds; the last one there is where somebody wants to wait for centuries.
    private static func moment(afterMilliseconds milliseconds: UInt64) -> UInt64 {
        let nanoseconds = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let moment = Clock.monotonicNanoseconds.addingReportingOverflow(nanoseconds.partialValue)
        return nanoseconds.overflow || moment.overflow ? .max : moment.partialValue
    }

    /// The reactors share their port, and the kernel would let another node share it, too: half of the clients would come to
    /// one that knows nothing of the other's publications.
    private static func refuseTakenPort(_ configuration: EdgeConfiguration) throws(SystemError) {
        var places = [(configuration.host, configuration.port)]
        if let tls = configuration.tls { places.append((tls.host, tls.port)) }
        for (host, port) in places where !Listener.isFree(host: host, port: port) {
            throw SystemError.portTaken(host: host, port: port)
        }
    }

    /// Takes no more connections than leave the node the descriptors that it cannot live without: when its clients have all of
    /// them, a link to Redis that is lost cannot be made anew.
    private static func leaveDescriptors(in configuration: inout EdgeConfiguration) {
        let allowed = HostProcess.raiseDescriptorLimit()
        guard allowed > 0 else { return }
        let own = 16 + ownDescriptorsPerReactor * configuration.reactorCount
        let left = max(allowed - own, configuration.reactorCount)
        guard configuration.limits.connectionsMax > left else { return }
        configuration.limits.connectionsMax = left
        configuration.logger.notice(
            "connections are limited by descriptors",
            metadata: ["connections": "\(left)", "descriptors": "\(allowed)"]
        )
    }

    /// Poller, wake-up, listeners with a reserve each, the ring with its own, and one to spare; 16 more are for the process: its
    /// standard streams, the links to Redis, and what the system's libraries open to resolve a name.
    private static let ownDescriptorsPerReactor = 10

    /// For every connection a node may have, before it has threads that would wait for room. It runs without, only less
    /// smoothly.
    private static func makeRoomForDescriptors(_ configuration: EdgeConfiguration) {
        let wanted = configuration.limits.connectionsMax + ownDescriptorsMax
        do {
            try HostProcess.reserveDescriptors(min(HostProcess.raiseDescriptorLimit(), wanted))
        } catch {
            configuration.logger.warning("no room made for descriptors", metadata: ["error": "\(error)"])
        }
    }

    /// What a node opens besides its clients' connections: some ten for each reactor, and those to Redis.
    private static let ownDescriptorsMax = 1_024

    private func startEdge(_ configuration: EdgeConfiguration, _ index: Int) throws(SystemError) {
        let (inbox, uplink, tokens, hooks, status, edges) = (reports[index], uplink, tokens, hooks, status, edges)
        let start = Start()
        edges.begin()
        try ReactorThread.start(name: "edge-\(index)") {
            defer { edges.end() }
            do throws(SystemError) {
                let edge = try EdgeReactor(
                    configuration: configuration,
                    number: index,
                    inbox: inbox,
                    uplink: uplink.inbox,
                    tokens: tokens,
                    hooks: hooks,
                    node: status,
                    metrics: status.reactors[index]
                )
                try edge.reactor.host(uplink)
                status.port = edge.listener.port
                status.securePort = edge.secureListener?.port ?? 0
                start.finish(nil)
                edge.reactor.run(edge)
            } catch {
                start.finish(error)
            }
        }
        // One after the other: the first may be the one that finds a free port for all.
        if let error = start.wait() { throw error }
    }

    /// Goes by other rules, keys of backends, keys of tokens, certificates and rates from now on. All else stays as it is until the node
    /// is started anew.
    public func change(to configuration: EdgeConfiguration) {
        status.rates.change(to: configuration.limits)
        // In this order, for keys that are fetched from then on are taken.
        tokens.post(.change(Self.tokens(configuration), configuration.access, keySets: configuration.keySets))
        hooks.post(.change(Self.hooks(configuration)))
        guard let tls = configuration.tls else { return }
        for inbox in reports { inbox.post(.certificatesChanged(tls.policy)) }
    }

    private static func tokens(_ configuration: EdgeConfiguration) -> TokenPolicy {
        var policy = configuration.tokens
        policy.bytesMax = configuration.limits.tokenBytesMax
        return policy
    }

    private static func hooks(_ configuration: EdgeConfiguration) -> HookConfiguration {
        HookConfiguration(hooks: configuration.hooks, keySets: configuration.keySets, limits: configuration.limits)
    }

    private func startHookThread(_ configuration: EdgeConfiguration) throws(SystemError) {
        let (inbox, reports, uplink, tokens) = (hooks, reports, uplink, tokens)
        let (metrics, callers) = (status.hooks, callers)
        let own = Self.hooks(configuration)
        let start = Start()
        callers.begin()
        try ReactorThread.start(name: "hooks", niceness: ReactorThread.givingWay) {
            defer { callers.end() }
            do throws(SystemError) {
                let reactor = try Reactor(inbox: inbox)
                let thread = HookThread(
                    own,
                    reactor: reactor,
                    reports: reports,
                    uplink: uplink,
                    tokens: tokens,
                    metrics: metrics,
                    logger: configuration.logger
                )
                guard let thread else { return start.finish(SystemError(call: "curl_multi_init", result: -1)) }
                start.finish(nil)
                reactor.run(thread)
            } catch {
                start.finish(error)
            }
        }
        if let error = start.wait() { throw error }
    }

    private func startTokenThread(_ configuration: EdgeConfiguration) throws(SystemError) {
        let (inbox, reports, hooks, keepers) = (tokens, reports, hooks, keepers)
        let policy = Self.tokens(configuration)
        let start = Start()
        keepers.begin()
        try ReactorThread.start(name: "tokens", niceness: ReactorThread.givingWay) {
            defer { keepers.end() }
            do throws(SystemError) {
                let reactor = try Reactor(inbox: inbox)
                start.finish(nil)
                reactor.run(
                    TokenThread(
                        policy,
                        configuration.access,
                        keySets: configuration.keySets,
                        reports: reports,
                        hooks: hooks
                    )
                )
            } catch {
                start.finish(error)
            }
        }
        if let error = start.wait() { throw error }
    }

    private func startUplinkThread() throws(SystemError) {
        let (inbox, uplink, keepers) = (uplinkThread, uplink, keepers)
        let start = Start()
        keepers.begin()
        try ReactorThread.start(name: "uplink") {
            defer { keepers.end() }
            do throws(SystemError) {
                let reactor = try Reactor(inbox: inbox)
                reactor.standIn(for: uplink)
                start.finish(nil)
                reactor.run(UplinkKeeper(uplink))
            } catch {
                start.finish(error)
            }
        }
        if let error = start.wait() { throw error }
    }
}

/// The uplink's own thread: it has nothing to do but to give the uplink turns while reactors are busy.
private final class UplinkKeeper: ReactorHandler {
    private let uplink: SharedReactor<UplinkCommand>

    init(_ uplink: SharedReactor<UplinkCommand>) { self.uplink = uplink }

    var isFinished: Bool { uplink.isFinished }
    func ready(token: UInt64, readiness: Readiness) {}
    func receive(_ message: Void) {}
    func tick(_ tick: Tick) {}
    func endOfTurn() -> Bool { false }
}
