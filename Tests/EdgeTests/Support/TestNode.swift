import Backplane
import Broker
import Edge
import Foundation
import Reactor
import TLS
import Testing

/// A real node in the test's process, with the connections of the test.
final class TestNode {
    let node: Node
    private var clients: [TestClient] = []
    private var publisher: TestClient?

    /// Whether clients come with TLS: where it listens for them.
    private let isSecure: Bool

    /// Where its Redis would be, if that is not there.
    private var place: QuietPort?

    init(_ configuration: EdgeConfiguration, hasUplinkThread: Bool = false) throws {
        isSecure = configuration.tls != nil
        let (limits, nodeID) = (configuration.limits, configuration.nodeID)
        node = try Node(configuration, hasUplinkThread: hasUplinkThread) { _, _ in
            MemoryBackplane(limits: limits, nodeID: nodeID)
        }
    }

    /// A node of a cluster whose Redis is not there.
    init(withoutRedis configuration: EdgeConfiguration) throws {
        isSecure = configuration.tls != nil
        let (limits, nodeID) = (configuration.limits, configuration.nodeID)
        let place = try QuietPort()
        let master = try #require(RedisMaster("redis://127.0.0.1:\(place.number)"))
        self.place = place
        node = try Node(configuration, hasUplinkThread: true) { seat, _ in
            RedisBackplane(
                deployment: .masters([master]),
                nodeID: nodeID,
                facts: "{}",
                limits: limits,
                seat: seat,
                classify: { bytes, _ in Payload(kind: .binary, bytes: Array(bytes)) },
                report: RedisLinkReport()
            )
        }
    }

    var port: UInt16 { node.port }

    /// What its first reactor counts.
    var metrics: EdgeMetrics { node.status.reactors[0] }

    /// Bytes sent to others than the publisher.
    var bytesSentToReaders: Int { metrics.bytesSent.value - (publisher?.receivedCount ?? 0) }

    func connect(receiveBytes: Int32? = nil, certificate: TLSCertificate? = nil) throws -> TestClient {
        let client =
            isSecure
            ? try TestClient(
                port: node.securePort,
                receiveBytes: receiveBytes,
                trusting: try TestTLS.authorities,
                certificate: certificate
            )
            : try TestClient(port: port, receiveBytes: receiveBytes)
        clients.append(client)
        return client
    }

    /// A connection on which nothing was said yet.
    func connectRaw(secure: Bool) throws -> TestClient {
        let client = try TestClient(port: secure ? node.securePort : port)
        clients.append(client)
        return client
    }

    /// One question on a connection of its own.
    func ask(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: String? = nil
    ) throws -> HTTPAnswer {
        let client = try connect()
        defer { client.close() }
        return try client.ask(method, target, fields, body: body)
    }

    /// Returns once its reactor had two turns: whatever it could do before that is done.
    func takeTurns() throws {
        let client = try publisher ?? connect()
        publisher = client
        for _ in 0..<2 { _ = try client.ask("GET", "/healthz") }
    }

    // MARK: Publishing

    /// Publishes and returns the position.
    @discardableResult
    func publish(_ channel: String, _ body: String, json: Bool = false) throws -> String {
        try publish(channel, [Array(body.utf8)], json: json)[0]
    }

    /// Publishes many, pipelined on one connection, and returns the positions.
    @discardableResult
    func publish(_ channel: String, _ bodies: [[UInt8]], json: Bool = false) throws -> [String] {
        let client = try publisher ?? connect()
        publisher = client
        let fields = json ? [("Content-Type", "application/json")] : []
        var positions: [String] = []
        for batch in stride(from: 0, to: bodies.count, by: 64) {
            let bodies = bodies[batch..<min(batch + 64, bodies.count)]
            var bytes: [UInt8] = []
            for body in bodies {
                bytes += TestClient.request("POST", "/channels/\(channel)", fields, body: body, port: port)
            }
            try client.send(bytes)
            for _ in bodies {
                let answer = try client.readAnswer()
                guard answer.status == 200 else { throw TestFailure("publish: \(answer.status) \(answer.text)") }
                positions.append(try answer.position)
            }
        }
        return positions
    }

    /// Closes the clients first, so that nobody is left to be let go.
    func stop() {
        for client in clients { client.close() }
        node.stop()
    }
}

/// Runs a test against a node of its own.
func withNode(
    hasUplinkThread: Bool = false,
    _ change: (inout EdgeConfiguration) -> Void = { _ in },
    _ body: (TestNode) throws -> Void
) throws {
    var configuration = EdgeConfiguration()
    configuration.port = 0
    configuration.nodeID = "n1"
    configuration.limits.drainMilliseconds = 250
    // It turns nobody away because other tests have the processors.
    configuration.limits.overloadLagMilliseconds = 600_000
    // It answers for itself, however late on a busy machine.
    configuration.limits.clusterQuestionMilliseconds = 20_000
    if TestTLS.isWanted { configuration.tls = try TestTLS.listener }
    change(&configuration)
    let node = try TestNode(configuration, hasUplinkThread: hasUplinkThread)
    defer { node.stop() }
    try body(node)
}

/// Runs a test against a node whose Redis is away and stays away.
func withNodeWithoutRedis(
    _ change: (inout EdgeConfiguration) -> Void,
    _ body: (TestNode) throws -> Void
) throws {
    var configuration = EdgeConfiguration()
    configuration.port = 0
    configuration.nodeID = "n1"
    configuration.limits.drainMilliseconds = 250
    // It turns nobody away because other tests have the processors.
    configuration.limits.overloadLagMilliseconds = 600_000
    change(&configuration)
    let node = try TestNode(withoutRedis: configuration)
    defer { node.stop() }
    try body(node)
}
