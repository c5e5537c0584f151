import Foundation
import Testing

/// What the balancer answers itself, with the configuration that users are given.
@Suite(.serialized) struct BalancerTests {
    /// `{"error":{"code":…,"message":…}}`, as the nodes write it.
    private func error(_ answer: HTTPConnection.Answer) -> (code: Int?, message: String?) {
        let error = answer.json["error"] as? [String: Any]
        return (error?["code"] as? Int, error?["message"] as? String)
    }

    @Test("while no node is ready errors look like a node's, and a browser's event stream comes back")
    func noNode() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            cluster.redis.signal(SIGSTOP)
            try await eventually(
                "no node is ready",
                isTrue: {
                    try await HTTPConnection.ask("GET", "/channels/a", port: balancer.port).body.contains("no node")
                }
            )
            let publish = try await HTTPConnection.ask("POST", "/channels/a", port: balancer.port, body: "x")
            #expect(publish.status == 503 && publish.fields["retry-after"] == "1")
            #expect(publish.fields["content-type"] == "application/json")
            #expect(error(publish).code == 503 && error(publish).message == "no node is ready")
            // Any other status would end an EventSource for good.
            let stream = try await HTTPConnection.ask("GET", "/sse?channel=a", port: balancer.port)
            #expect(stream.status == 200 && stream.fields["content-type"] == "text/event-stream; charset=utf-8")
            #expect(stream.body.contains("event: bye\ndata: {") && stream.body.hasSuffix("}\n\n"))
            cluster.redis.signal(SIGCONT)
            try await eventually(
                "a node is ready",
                isTrue: { try await HTTPConnection.ask("GET", "/channels/a", port: balancer.port).status == 200 }
            )
        }
    }

    /// The client is Python's `websockets`, which takes pongs that it did not ask for.
    @Test(
        "heartbeats that nobody answers keep an idle WebSocket open, and without them it is cut",
        arguments: [1_000, 60_000]
    )
    func idleWebSocket(heartbeatMilliseconds: Int) async throws {
        let environment = [
            "PERSEID_LIMITS_HEARTBEAT_MILLISECONDS": "\(heartbeatMilliseconds)",
            "PERSEID_LIMITS_HEARTBEATS_PER_PING": "1000",
        ]
        try await Cluster.with(environment: environment) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, changes: [.tunnel("4s")])
            let socket = try await WebSocketClient([(balancer.port, "/ws?channel=idle")], in: cluster.scratch)
            try await socket.opened()
            if heartbeatMilliseconds > 4_000 {
                return try await eventually("it is cut", isTrue: { !socket.ended().isEmpty })
            }
            try await Task.sleep(for: .seconds(10))
            let publish = try await HTTPConnection.ask(
                "POST",
                "/channels/idle",
                port: balancer.port,
                body: "still here"
            )
            #expect(publish.status == 200)
            try await eventually("it is told", isTrue: { try socket.messages().contains { !$0.isEmpty } })
            #expect(socket.ended() == [])
        }
    }

    /// The balancer speaks from an address of its own, which the nodes trust; its clients come from 127.0.0.1.
    @Test(
        "nodes know clients behind the balancer: by a field of each request, or by a header in front of each connection",
        arguments: [("", "false"), (" send-proxy-v2", "true"), (" send-proxy", "true")]
    )
    func clients(_ option: String, _ isSpoken: String) async throws {
        let environment = [
            "PERSEID_TRUSTED_PROXIES": "127.0.0.9", "PERSEID_PROXY_PROTOCOL": isSpoken, "PERSEID_LOG_LEVEL": "debug",
        ]
        try await Cluster.with(environment: environment) { cluster in
            let options = "source 127.0.0.9\(option)"
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, changes: [.servers(options)])
            for number in 0..<6 {
                // What a client says of itself counts for nothing.
                let fields = ["X-Forwarded-For": "6.6.6.\(number)", "Forwarded": "for=6.6.6.6"]
                let answer = try await HTTPConnection.ask("GET", "/nothing", port: balancer.port, fields: fields)
                #expect(answer.status == 404)
            }
            // A request is logged once it is answered.
            let told = try await eventually("all are logged") {
                let lines = cluster.nodes.flatMap { $0.log.split(separator: "\n") }.filter { $0.contains("status=404") }
                return lines.count >= 6 ? lines : nil
            }
            let unlike = told.filter { !$0.contains("client=127.0.0.1 ") }
            #expect(told.count == 6 && unlike.isEmpty, "\(told.count) \(unlike.first ?? "")")
            for node in cluster.nodes { #expect(await node.readiness == 200) }
            // Nodes that are asked without a balancer answer whom they do not trust.
            #expect(try await cluster.nodes[0].ask("GET", "/healthz").status == 200)
        }
    }
}
