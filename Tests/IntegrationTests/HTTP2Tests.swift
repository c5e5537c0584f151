import Foundation
import TestCertificates
import Testing

/// HTTP/2 in front of the nodes, as browsers and others have it from HAProxy with the configuration that users are given.
@Suite(.serialized) struct HTTP2Tests {
    /// Starts a cluster with a balancer that has a certificate, and lends both.
    private func withFront(
        isAffine: Bool = true,
        changes: [Balancer.Change] = [],
        environment: [String: String] = [:],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (Cluster, Balancer) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let certificate = try authority.writeForHere().both
        try await Cluster.with(environment: environment) { cluster in
            let balancer = try await Balancer(
                for: cluster.nodes,
                in: cluster.scratch,
                isAffine: isAffine,
                certificate: certificate,
                changes: changes
            )
            try await body(cluster, balancer)
        }
    }

    // MARK: Browsers

    @Test(
        "twenty event streams and a WebSocket of a page share one connection, and go on when a node dies; by HTTP/1.1 six are open",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed"),
        arguments: [false, true]
    )
    func page(isAffine: Bool) async throws {
        try await withFront(
            isAffine: isAffine,
            changes: [.logged],
            environment: PerseidNode.patience
        ) { cluster, balancer in
            let facts: [String: Any] = [
                "module": "front", "nodes": cluster.nodes.map { Int($0.port) }, "isSpread": !isAffine,
                "secure": "https://localhost:\(balancer.securePort)", "plain": "http://localhost:\(balancer.port)",
            ]
            let process = try BrowserCases.browsers(facts, in: cluster)
            try await BrowserCases.run(process, atLeast: 2, on: cluster)
            // from:port server status version method target
            let lines = balancer.log.split(separator: "\n").map { $0.split(separator: " ") }
            let asked = lines.filter { $0.count == 6 && $0[3] == "HTTP/2.0" && $0[5].contains(/\/(sse|ws)/) }
            #expect(asked.filter { $0[5].contains("/sse?channel=front/") && $0[2] == "200" }.count >= 20)
            #expect(asked.contains { $0[5].contains("/ws") && $0[2] == "101" })
            // The balancer lived, so there was no reason for another.
            #expect(Set(asked.map { $0[0] }).count == 1)
        }
    }

    // MARK: Nodes that die before they answer

    /// Sends nine requests while Redis stands still, so that each waits at its node; kills the second node once it has some, and lets Redis go
    /// on. What that node had passed on to Redis is done.
    private func askDyingNode(
        _ cluster: Cluster,
        _ options: [String],
        _ url: (Int) -> String,
        until metric: (name: String, count: Int)
    ) async throws -> [ChildProcess] {
        cluster.redis.signal(SIGSTOP)
        let command = ["curl", "--silent", "--insecure", "--no-buffer", "--write-out", "\n%{http_code}"] + options
        let processes = try (0..<9).map { try ChildProcess(command + [url($0)], in: cluster.scratch) }
        try await eventually(
            "the node waits for Redis",
            isTrue: { try await cluster.nodes[1].metric(metric.name) ?? 0 >= metric.count }
        )
        try await cluster.nodes[1].kill()
        cluster.redis.signal(SIGCONT)
        return processes
    }

    /// A node waits for Redis as long as a busy machine takes for nine processes.
    private static let patience = ["PERSEID_LIMITS_REDIS_MILLISECONDS": "20000"]

    @Test(
        "what is published through a node that dies before it answers is published once, if at all, and nobody repeats it but the client",
        arguments: ["--http2", "--http1.1"]
    )
    func publish(_ version: String) async throws {
        try await withFront(isAffine: false, environment: Self.patience) { cluster, balancer in
            let processes = try await askDyingNode(
                cluster,
                [version, "--data", "hello"],
                { "https://localhost:\(balancer.securePort)/channels/once\($0)" },
                until: ("perseid_publishes_total", 2)
            )
            var failed = 0
            for (number, process) in processes.enumerated() {
                try await process.end()
                let status = process.outputText.split(separator: "\n").last
                let length = try await cluster.redis.command("XLEN", "perseid:{once\(number)}")
                let count = Int(length.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
                if status == "502" { failed += 1 }
                #expect(status == "200" ? count == 1 : status == "502" && count <= 1, "\(process.outputText): \(count)")
            }
            #expect(failed >= 2)
        }
    }

    @Test(
        "an event stream whose node dies before it answers is told to come again: any status but 200 would end it for good",
        arguments: ["--http2", "--http1.1"]
    )
    func eventStream(_ version: String) async throws {
        // What a node says of itself in between would be taken for sessions.
        let silence = [
            "PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "600000", "PERSEID_LIMITS_FACTS_ATTEMPT_MILLISECONDS": "600000",
        ]
        let environment = Self.patience.merging(silence) { $1 }
        try await withFront(isAffine: false, environment: environment) { cluster, balancer in
            let processes = try await askDyingNode(
                cluster,
                [version, "--include"],
                { "https://localhost:\(balancer.securePort)/sse?channel=again\($0)" },
                // Two sessions are to be opened, with some 1,000 bytes each.
                until: ("perseid_redis_bytes", 1_500)
            )
            for process in processes {
                try await eventually(
                    "it is open, or told to come again",
                    isTrue: {
                        let text = process.outputText
                        return text.contains("event: subscribed") || text.contains("event: bye")
                    }
                )
                #expect(process.outputText.hasPrefix(version == "--http2" ? "HTTP/2 200" : "HTTP/1.1 200"))
                #expect(process.outputText.lowercased().contains("content-type: text/event-stream"))
            }
            let told = processes.filter { $0.outputText.contains("the node went away") }
            // By HTTP/2 the balancer says that nothing was done, and the client asks again by itself: of a stream that is true.
            #expect(version == "--http2" ? told.isEmpty : told.count >= 2, "\(told.count)")
        }
    }

    // MARK: Clients that are no browsers

    private static let client = BrowserCases.clients.appending(path: "http2_client.py").path

    @Test(
        "neither requests that are given up at once, nor streams that nobody reads, nor long heads, nor silence stand in anybody's way",
        arguments: ["resets", "unread", "heads", "silence"]
    )
    func client(_ behaviour: String) async throws {
        let environment = ["PERSEID_LIMITS_HEARTBEAT_MILLISECONDS": "1000"]
        let changes: [Balancer.Change] = behaviour == "silence" ? [.timeouts("6s")] : []
        try await withFront(changes: changes, environment: environment) { cluster, balancer in
            let arguments = [behaviour, "\(balancer.securePort)", "\(cluster.nodes[0].port)"]
            let began = ContinuousClock.now
            let process = try ChildProcess(["/usr/bin/python3", Self.client] + arguments, in: cluster.scratch)
            #expect(try await process.end(within: .seconds(400)) == .exited(0), "\(process.errorText)")
            var accepted = 0
            for node in cluster.nodes { accepted += try await node.metric("perseid_connections_accepted_total") ?? 0 }
            // Of the 10,000 a thousand in ten seconds reaches the nodes; some are the test's and the balancer's own.
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            #expect(Double(accepted) < 2_000 + 100 * seconds, "\(accepted) in \(seconds) s")
        }
    }
}
