import ArgumentParser
import Backplane
import Edge
import PerseidClient
import Reactor

/// Looks at a deployment and says what will bite: settings, machine, Redis, and the way from clients to nodes.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at a running deployment, and say what will bite and what to do.",
        discussion: """
            Run it on a node's machine with the node's settings, and with --url through the balancer, where it stays connected for a \
            minute. It changes nothing but for one message in --channel. It ends with 1 where something is wrong now.
            """
    )

    @OptionGroup var options: ServeOptions

    @Option(help: "Address that clients use, http://… or https://…: tried as a client. Not tried without.")
    var url: String?

    @Option(
        help: "Certificates, as PEM, that the one of https may be issued by (default: the system's).",
        completion: .file()
    )
    var ca: String?

    @Option(help: "Channel that is read and published in; PERSEID_API_KEY is shown.")
    var channel = "perseid/doctor"

    @Option(help: "How long connections are left silent.")
    var seconds = 60

    func validate() throws {
        guard seconds >= 0, seconds <= 3_600 else { throw ValidationError("--seconds: from 0 to 3600") }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        let settings = try options.settings()
        var isWell = true
        func tell(_ findings: [Finding]) {
            for finding in findings {
                print(finding.lines)
                if finding.weight == .trouble { isWell = false }
            }
        }
        tell(SettingsDiagnosis(settings).findings)
        tell(FileDiagnosis(settings, now: Clock.realtimeMilliseconds).findings)
        let hasRedis = settings.redis?.isOnThisMachine ?? false
        tell(SystemDiagnosis(.read(), settings.edge.limits, hasRedis: hasRedis).findings)
        if let redis = settings.redis { tell(examine(redis, settings)) }
        if let url { tell(try examine(url)) }
        guard isWell else { throw ExitCode.failure }
    }

    private func examine(_ redis: RedisDeployment, _ settings: Settings) -> [Finding] {
        do throws(RedisFailure) {
            return try redis.masters().flatMap { examine($0, of: redis, settings) }
        } catch {
            return [Self.trouble(error, at: redis.placesText)]
        }
    }

    private func examine(_ master: RedisMaster, of redis: RedisDeployment, _ settings: Settings) -> [Finding] {
        var findings: [Finding] = []
        // A name that is drawn is another one each time.
        let isNamed = settings.source(of: "node-id") != .usual
        do throws(RedisFailure) {
            let nodeID = isNamed ? settings.edge.nodeID : nil
            let examination = RedisExamination(master, of: redis, keyPrefix: settings.keyPrefix, nodeID: nodeID)
            findings += RedisDiagnosis(try examination.examine()).findings
            let library = try RedisInspector(master, of: redis, keyPrefix: settings.keyPrefix).inspect()
            findings.append(LibraryDiagnosis.finding(library, at: master.placeText))
            if findings.allSatisfy({ $0.weight != .trouble }) {
                findings.append(.fine("redis \(master.placeText) rights", "a node can do here what it must"))
            }
        } catch {
            findings.append(Self.trouble(error, at: master.placeText))
        }
        return findings
    }

    private static func trouble(_ failure: RedisFailure, at place: String) -> Finding {
        let complaint = failure.complaint
        return .trouble("redis \(place)", "\(complaint.message): \(complaint.text)", cure: complaint.advice)
    }

    private func examine(_ url: String) throws -> [Finding] {
        let node = try NodeOptions.parse(["--url", url] + (ca.map { ["--ca", $0] } ?? []))
        return try WayDiagnosis(channel: channel, silentSeconds: seconds).examine { transport in
            try node.client { options in
                options.transports = [transport]
                options.session = .none
                options.publishMilliseconds = 5_000
            }
        }
    }
}
