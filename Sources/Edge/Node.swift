public import Backplane
public import Broker
internal import Logging
public import Reactor

/// A running node: its reactors' threads, the uplink's, and nothing that a client would need back.
public final class Node: Sendable {
    /// What it counts and whether it is ready.
    public let status: NodeStatus

    private let uplink: Inbox<UplinkCommand>
    private let reports: [Inbox<UplinkReport>]
    private let endings: Endings
    private let hostsUplink: Bool

    /// Makes the backplane, on the uplink's thread.
    public typealias BackplaneMaker = @Sendable (Reactor<UplinkCommand>, UplinkMetrics) -> any Backplane

    /// Starts a node and returns once it listens.
    ///
    /// - Throws: if a thread, a descriptor or the port cannot be had.
    /// - Parameters:
    ///   - hostsUplink: whether the uplink lives in the first reactor's thread: right for a backplane in memory, where a
    ///     thread of its own would only add two switches to every publish. One that waits for a network has its own.
    public init(
        _ configuration: EdgeConfiguration,
        hostsUplink: Bool,
        backplane: @escaping BackplaneMaker
    ) throws(SystemError) {
        HostProcess.ignoreBrokenPipes()
        HostProcess.raiseDescriptorLimit()
        let count = configuration.reactorCount
        let metrics = (0..<count).map { _ in EdgeMetrics() }
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: metrics)
        let uplink = try Inbox<UplinkCommand>()
        var reports: [Inbox<UplinkReport>] = []
        for _ in 0..<count { reports.append(try Inbox<UplinkReport>()) }
        let inboxes = reports
        self.status = status
        self.uplink = uplink
        self.reports = reports
        self.hostsUplink = hostsUplink
        endings = Endings()

        for index in 0..<count {
            // One after the other: the first may be the one that finds a free port for all.
            let start = Start()
            let endings = endings
            endings.begin()
            let guest = hostsUplink && index == 0 ? backplane : nil
            try ReactorThread.start(name: "edge-\(index)") {
                Self.runEdge(configuration, index, inboxes, uplink, status, start, hosting: guest)
                endings.end()
            }
            if let error = start.wait() { throw error }
        }
        if hostsUplink { return }
        let limits = configuration.limits
        let logger = configuration.logger
        let endings = endings
        endings.begin()
        try ReactorThread.start(name: "uplink") {
            Self.runUplink(limits, logger, uplink, inboxes, status.uplink, backplane)
            endings.end()
        }
    }

    /// The port it listens on.
    public var port: UInt16 { status.port }

    /// Lets the clients go and ends all threads; returns when they ended.
    public func stop() {
        for inbox in reports { inbox.post(.drain) }
        endings.wait(untilLeft: hostsUplink ? 0 : 1)
        uplink.post(.stop)
        endings.wait(untilLeft: 0)
    }

    private static func runEdge(
        _ configuration: EdgeConfiguration,
        _ index: Int,
        _ inboxes: [Inbox<UplinkReport>],
        _ uplink: Inbox<UplinkCommand>,
        _ status: NodeStatus,
        _ start: Start,
        hosting makeBackplane: BackplaneMaker?
    ) {
        do throws(SystemError) {
            let edge = try EdgeReactor(
                configuration: configuration,
                index: index,
                inbox: inboxes[index],
                uplink: uplink,
                node: status,
                metrics: status.reactors[index]
            )
            if let makeBackplane {
                let guest = try Reactor(inbox: uplink)
                let handler = makeUplink(on: guest, configuration.limits, inboxes, status.uplink, makeBackplane)
                try edge.reactor.host(guest, handler)
                handler.start()
            }
            status.port = edge.listener.port
            status.noteEdgeStarted()
            start.finish(nil)
            edge.reactor.run(edge)
            status.noteEdgeEnded()
        } catch {
            start.finish(error)
        }
    }

    private static func makeUplink(
        on reactor: Reactor<UplinkCommand>,
        _ limits: Limits,
        _ reports: [Inbox<UplinkReport>],
        _ metrics: UplinkMetrics,
        _ makeBackplane: BackplaneMaker
    ) -> Uplink {
        let backplane = makeBackplane(reactor, metrics)
        return Uplink(reactor: reactor, backplane: backplane, reports: reports, limits: limits, metrics: metrics)
    }

    private static func runUplink(
        _ limits: Limits,
        _ logger: Logger,
        _ inbox: Inbox<UplinkCommand>,
        _ reports: [Inbox<UplinkReport>],
        _ metrics: UplinkMetrics,
        _ makeBackplane: BackplaneMaker
    ) {
        do throws(SystemError) {
            let reactor = try Reactor(inbox: inbox)
            let uplink = makeUplink(on: reactor, limits, reports, metrics, makeBackplane)
            uplink.start()
            reactor.run(uplink)
        } catch {
            logger.critical("the uplink cannot start", metadata: ["error": "\(error)"])
        }
    }
}
