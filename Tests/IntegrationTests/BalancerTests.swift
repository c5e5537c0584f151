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
}
