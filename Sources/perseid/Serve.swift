import ArgumentParser
import Backplane
import Broker
import Edge
import Logging
import Reactor
import TLS

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Runs a node until SIGTERM or SIGINT.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a node.")

    @OptionGroup var options: ServeOptions

    func run() throws {
        let settings = try options.settings()
        try HostProcess.catchEnd()
        let logger = settings.makeLogger()
        var configuration = settings.edge
        configuration.logger = logger
        let node: Node
        do {
            node = try Node(
                configuration,
                hasUplinkThread: settings.redis != nil,
                backplane: settings.backplaneMaker(logger)
            )
        } catch {
            logger.critical("the node cannot start", metadata: ["error": "\(error)"])
            throw ExitCode.failure
        }
        logger.info(
            "the node listens",
            metadata: [
                "address": "\(configuration.host):\(node.port)", "node": "\(configuration.nodeID)",
                "reactors": "\(configuration.reactorCount)", "version": "\(Perseid.version)",
                "tls": configuration.tls.map { "\($0.host):\(node.securePort)" } ?? "none",
                "backplane": settings.redis.map { "redis \($0.placesText)" } ?? "embedded",
            ]
        )
        let signal = waitForEnd(node, settings, logger)
        logger.info("the node lets its clients go", metadata: ["signal": "\(signal)"])
        node.stop()
        logger.info("the node ended")
    }
}

extension Serve {
    /// Waits until the node is to end, and has it go by other rules and keys whenever it is asked to look at its settings.
    private func waitForEnd(_ node: Node, _ settings: Settings, _ logger: Logger) -> Int32 {
        var current = settings
        while true {
            let patience = current.edge.tls == nil ? nil : Self.certificatesMilliseconds
            guard let signal = HostProcess.waitForSignal(milliseconds: patience) else {
                readCertificates(node, &current, logger)
                continue
            }
            guard signal == SIGHUP else { return signal }
            current = readAgain(node, current, logger)
        }
    }

    /// How often the files of certificates are looked at: who renews them has days for it.
    private static let certificatesMilliseconds: Int32 = 10_000

    /// Shows the certificates that are in their files now, if these are others than before and can be used.
    private func readCertificates(_ node: Node, _ current: inout Settings, _ logger: Logger) {
        do throws(TLSFault) {
            guard try current.readCertificatesAgain() else { return }
            node.change(to: current.edge)
            logger.notice("other certificates are shown from now on")
        } catch {
            logger.error("the certificates stay as they are", metadata: ["error": "\(error)"])
        }
    }

    /// Reads the settings anew; with any mistake in them all stays as it is.
    private func readAgain(_ node: Node, _ current: Settings, _ logger: Logger) -> Settings {
        var changed: Settings
        do throws(SettingsErrors) {
            changed = try options.read()
        } catch {
            for each in error.all { logger.error("the settings stay as they are", metadata: ["error": "\(each)"]) }
            return current
        }
        changed.keepDrawn(from: current)
        let next: Settings
        do throws(SettingsError) {
            next = try current.changed(by: changed)
        } catch {
            let reason = "the settings stay as they are: they do not go with those that the node was started with"
            logger.error("\(reason)", metadata: ["error": "\(error)"])
            return current
        }
        tell(changed, since: current, logger)
        node.change(to: next.edge)
        logger.notice("the settings were read anew")
        return next
    }

    /// Tells which settings are others, and from when on.
    private func tell(_ changed: Settings, since current: Settings, _ logger: Logger) {
        for setting in SettingTable.all where setting.show(changed) != setting.show(current) {
            let name: Logger.Metadata = ["setting": "\(setting.name)"]
            if Self.isChangeable(setting.name) {
                logger.notice("a setting is another from now on", metadata: name)
            } else {
                logger.warning("a setting is another once the node is started anew", metadata: name)
            }
        }
    }

    static func isChangeable(_ name: String) -> Bool {
        ["rules", "api-keys", "insecure"].contains(name) || name.hasPrefix("tokens.") || name.hasPrefix("hooks.")
            || name.hasPrefix("limits.") && LimitNames.isChangeable(String(name.dropFirst("limits.".count)))
            || ["tls.certificates", "tls.client-ca", "tls.require-client-certificate", "tls.kernel"].contains(name)
    }
}

extension Settings {
    /// The node's logger, on standard error.
    func makeLogger() -> Logger {
        let isJSON = isLogJSON
        var logger = Logger(label: "perseid") { label -> any LogHandler in
            if isJSON { JSONLogHandler() } else { StreamLogHandler.standardError(label: label) }
        }
        logger.logLevel = logLevel
        return logger
    }

    /// What a node says of itself in Redis.
    private var nodeFacts: String {
        let address = "\"listen\":\"\(edge.host):\(edge.port)\",\"reactors\":\(edge.reactorCount)"
        return "{\"version\":\"\(Perseid.version)\",\(address),\"since\":\(Clock.realtimeMilliseconds)}"
    }

    /// What makes the backplane, in the uplink's seat.
    func backplaneMaker(_ logger: Logger) -> Node.BackplaneMaker {
        let limits = edge.limits
        let nodeID = edge.nodeID
        guard let redis else {
            return { _, metrics in MemoryBackplane(limits: limits, nodeID: nodeID, metrics: metrics) }
        }
        let (facts, keyPrefix, sharesTickets, former) = (nodeFacts, keyPrefix, edge.tls != nil, redisFormer)
        return { seat, metrics in
            RedisBackplane(
                deployment: redis,
                former: former,
                nodeID: nodeID,
                facts: facts,
                limits: limits,
                seat: seat,
                classify: { Payload(heard: $0, declared: $1) },
                report: RedisLinkReport(metrics: metrics, logger: logger, nodeID: nodeID, redis: redis.placesText),
                keyPrefix: keyPrefix,
                sharesTickets: sharesTickets
            )
        }
    }
}
