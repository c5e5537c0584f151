import PerseidClient

/// What lies between clients and nodes, tried as a client: each transport is opened, told something, and left silent.
struct WayDiagnosis: Sendable {
    let channel: String
    let silentSeconds: Int

    /// Time to open, by which a balancer that waits for more bytes is found out; a node takes some milliseconds.
    static let openSeconds = 8

    /// Time for a message to come: nobody notices a tenth of a second, and a buffer keeps it until it is full.
    static let messageSeconds = 3

    private static let transports: [Transport] = [.webSocket, .eventStream, .longPoll]

    /// Tries all transports at the same time.
    func examine(_ client: (Transport) throws -> PerseidClient) throws -> [Finding] {
        let ways = try Self.transports.map { Way($0, try client($0), channel) }
        defer { for way in ways { way.client.close() } }
        return try Blocking.run { await examine(ways) }
    }

    private func examine(_ ways: [Way]) async -> [Finding] {
        var findings: [Finding] = []
        await wait(seconds: Self.openSeconds) { ways.allSatisfy { $0.log.isDecided } }
        for way in ways { findings.append(opening(way)) }
        let open = ways.filter(\.log.isOpen)
        guard let publisher = open.first else { return findings }
        findings += await message(from: publisher, to: open)
        try? await Task.sleep(for: .seconds(silentSeconds))
        for way in open { findings.append(silence(way)) }
        return findings
    }

    private func opening(_ way: Way) -> Finding {
        let name = "way \(way.transport.rawValue)"
        if let seconds = way.log.openSeconds { return .fine(name, "open after \(Int(seconds * 1_000)) ms") }
        guard let error = way.log.error else {
            return .trouble(name, "not open after \(Self.openSeconds) s", cure: Self.cure(way.transport))
        }
        if error.code == 401 || error.code == 403 {
            return .warning(
                name,
                "\(error)",
                cure: "give a key by PERSEID_API_KEY, or name a channel that may be read by --channel"
            )
        }
        if "\(error)".hasPrefix("connect") {
            return .trouble(name, "\(error)", cure: "see that something listens there, and that no firewall is between")
        }
        if error.code == 421 {
            return .trouble(name, "\(error)", cure: "set public-origin to the address that clients know")
        }
        return .trouble(name, "\(error)", cure: Self.cure(way.transport))
    }

    private static func cure(_ transport: Transport) -> String {
        switch transport {
        case .webSocket: "let the balancer speak HTTP/1.1 to the nodes and pass on Upgrade and Connection"
        case .eventStream, .jsonStream:
            "let the balancer pass answers on as they come: no buffering, compression or cache"
        case .longPoll: "see whether the balancer reaches a node that is ready: /readyz"
        }
    }

    private func message(from publisher: Way, to ways: [Way]) async -> [Finding] {
        do {
            _ = try await publisher.client.publish(channel, .text("perseid doctor"))
        } catch {
            return [
                .warning(
                    "way publish",
                    "\(error)",
                    cure: "give a key that may publish in \(channel) by PERSEID_API_KEY, or another --channel"
                )
            ]
        }
        await wait(seconds: Self.messageSeconds) { ways.allSatisfy(\.log.hasMessage) }
        return ways.map { way in
            way.log.hasMessage
                ? .fine("way \(way.transport.rawValue)", "a message came")
                : .trouble(
                    "way \(way.transport.rawValue)",
                    "a message did not come within \(Self.messageSeconds) s",
                    cure: Self.cure(way.transport)
                )
        }
    }

    private func silence(_ way: Way) -> Finding {
        let name = "way \(way.transport.rawValue)"
        if let seconds = way.log.lostSeconds {
            return .trouble(
                name,
                "the connection was lost \(Int(seconds)) s after it was opened",
                cure:
                    "raise the idle time-outs of what lies between above 30 s: nginx proxy_read_timeout, HAProxy timeout client, server and tunnel, ALB idle timeout"
            )
        }
        return .fine(name, "\(silentSeconds) s of silence did no harm")
    }

    private func wait(seconds: Int, until isOver: () -> Bool) async {
        let end = ContinuousClock.now + .seconds(seconds)
        while !isOver(), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
    }
}
