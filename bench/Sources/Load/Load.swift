internal import ArgumentParser
internal import CBench
internal import Foundation

/// The load generator: subscribes, publishes, checks every delivery, and reads from `/proc` what the servers spent.
@main
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Loads a push server and prints what came of it as one JSON object.",
        discussion: """
            Progress goes to standard error. Publications are numbered per publisher and channel, and every subscriber \
            checks that it gets each of them once and in order. Latency runs from when a publication was due, not from \
            when a slow server let it be sent.
            """
    )

    @OptionGroup(title: "Subscribers") var subscribers: SubscriberOptions
    @OptionGroup(title: "Publishers") var publishers: PublisherOptions

    @Option(help: "A server's process, whose CPU and memory count, with its children. Repeatable.")
    var serverProcess: [Int32] = []

    @Option(help: "A process beside the servers (Redis), whose CPU is reported apart. Repeatable.")
    var auxiliaryProcess: [Int32] = []

    func validate() throws {
        let traffic = Traffic(channelCount: subscribers.channels, publisherCount: publishers.publishers)
        guard traffic.isEven else {
            throw ValidationError("Of --channels and --publishers one must be a multiple of the other.")
        }
        guard publishers.payload >= Payload.minimumByteCount else {
            throw ValidationError("--payload must be at least \(Payload.minimumByteCount) bytes.")
        }
    }

    func run() throws {
        // Progress goes to a pipe when a script started this; its end must not end the measurement.
        bench_ignore_broken_pipes()
        _ = try checked(bench_raise_descriptor_limit(), "raise the descriptor limit")
        print(try Measurement(plan: makePlan()).run().encoded())
    }

    private func makePlan() throws -> Plan {
        let tokens = try subscribers.tokens.map { try String(contentsOfFile: $0, encoding: .utf8) } ?? ""
        return Plan(
            subscribeEndpoints: subscribers.subscribe,
            subscribePath: subscribers.subscribePath,
            tokens: tokens.split(separator: "\n").map(String.init),
            preludePath: subscribers.preludePath,
            transport: subscribers.transport,
            connectionCount: subscribers.connections,
            channelCount: subscribers.channels,
            channelPrefix: subscribers.channelPrefix,
            workerCount: subscribers.processes,
            sourceAddressCount: subscribers.sourceAddresses,
            connectsInFlight: subscribers.connectsInFlight,
            awaitsSubscribed: subscribers.awaitSubscribed,
            settleSeconds: subscribers.settle,
            publishEndpoints: publishers.publish.isEmpty ? subscribers.subscribe : publishers.publish,
            publishPath: publishers.publishPath,
            publishRoute: publishers.publishRoute,
            publisherCount: publishers.publishers,
            ratePerSecond: publishers.rate,
            payloadByteCount: publishers.payload,
            warmUpSeconds: publishers.warmUp,
            measuredSeconds: publishers.seconds,
            drainSeconds: publishers.drain,
            latencySampling: publishers.latencySampling,
            serverProcesses: serverProcess,
            auxiliaryProcesses: auxiliaryProcess
        )
    }
}

/// Who listens.
struct SubscriberOptions: ParsableArguments {
    @Option(help: "Where to subscribe, as 127.0.0.1:8080. Repeatable: members of a channel alternate.")
    var subscribe: [Endpoint]

    @Option(help: "The path to subscribe at; %c stands for the channel.")
    var subscribePath = "/ws?channel=%c"

    @Option(help: "A file with a token a line. Connections show one each in turn: as access_token, behind the path.")
    var tokens: String?

    @Option(help: "A path to request first on each connection. nginx sets TCP_NODELAY only on a kept-alive connection.")
    var preludePath: String?

    @Option(help: "websocket or event-stream.")
    var transport = Transport.webSocket

    @Option(help: "How many connections.")
    var connections = 1000

    @Option(help: "How many channels they are spread over.")
    var channels = 1

    @Option(help: "What the channels' names start with; two generators at one server need two.")
    var channelPrefix = "bench"

    @Option(help: "How many processes they are spread over.")
    var processes = 1

    @Option(help: "How many loopback addresses they come from, starting at 127.0.0.2. Servers limit each address.")
    var sourceAddresses = 200

    @Option(help: "How many connects may be under way.")
    var connectsInFlight = 256

    @Flag(help: "A connection is subscribed when it is told so by a message of the type \"subscribed\".")
    var awaitSubscribed = false

    @Option(
        help: "Seconds from the last connection to the first publication, for subscriptions that are not announced."
    )
    var settle = 1.0
}

/// Who publishes, and for how long.
struct PublisherOptions: ParsableArguments {
    @Option(help: "Where to publish; default: where to subscribe. Repeatable: publishers alternate.")
    var publish: [Endpoint] = []

    @Option(help: "The path to publish at; %c stands for the channel.")
    var publishPath = "/channels/%c"

    @Option(help: "http, redis-function or redis-publish.")
    var publishRoute = PublishRoute.http

    @Option(help: "How many publishing connections.")
    var publishers = 1

    @Option(help: "Publications a second over all; without it each connection publishes as fast as it is answered.")
    var rate: Double?

    @Option(help: "Bytes of a payload.")
    var payload = 64

    @Option(help: "Seconds of publishing before the measured window.")
    var warmUp = 1.0

    @Option(help: "Seconds of publishing measured; 0 only connects.")
    var seconds = 5.0

    @Option(help: "Seconds without any progress after which what is missing counts as lost.")
    var drain = 10.0

    @Option(help: "Every n-th publication of a worker has its latency recorded.")
    var latencySampling = 1
}
