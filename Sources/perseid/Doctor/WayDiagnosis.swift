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

    /// Before everything that a channel may remember.
    private static let beginning = Position("1-0")

    /// Tries all transports at the same time.
    func examine(_ client: (Transport) throws -> PerseidClient) throws -> [Finding] {
        let ways = try Self.transports.map { Way($0, try client($0), channel) }
        defer { for way in ways { way.client.close() } }
        // It comes back as a browser does that was away, once there is something to come back for.
        let returner = try client(.eventStream)
        defer { returner.close() }
        return try Blocking.run { await examine(ways, returner) }
    }

    private func examine(_ ways: [Way], _ returner: PerseidClient) async -> [Finding] {
        var findings: [Finding] = []
        await wait(seconds: Self.openSeconds) { ways.allSatisfy { $0.log.isDecided } }
        for way in ways { findings.append(opening(way)) }
        let open = ways.filter(\.log.isOpen)
        guard let publisher = open.first else { return findings }
        findings += await message(from: publisher, to: open)
        if open.contains(where: { $0.transport == .eventStream && $0.log.hasMessage }) {
            findings += await comingBack(returner)
        }
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
        return .trouble(name, "\(error)", cure: Self.cureOfCertificate("\(error)") ?? Self.cure(way.transport))
    }

    /// Source: the texts of `X509_verify_cert_error_string`, OpenSSL 3.0.
    private static func cureOfCertificate(_ error: String) -> String? {
        guard error.contains("certificate verify failed") else { return nil }
        if error.contains("expired") { return "renew the certificate, and see why it was not renewed by itself" }
        if error.contains("mismatch") { return "get a certificate for the name that clients use, or correct the name" }
        return "let the server show the certificates between its own and the authority's, or name the authority by --ca"
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

    /// Whether who was away is told what the channel remembers. An event stream says in a field where it was, which a balancer may take away.
    private func comingBack(_ client: PerseidClient) async -> [Finding] {
        // Where nothing is remembered, or history is for others, there is nothing to be told.
        guard let page = try? await client.history(channel, limit: 1), !page.messages.isEmpty else { return [] }
        let way = Way(.eventStream, client, channel, since: Self.beginning)
        await wait(seconds: Self.messageSeconds) { way.log.hasMessage }
        let name = "way \(way.transport.rawValue) again"
        if way.log.hasMessage { return [.fine(name, "who comes back is told what was missed")] }
        return [
            .trouble(
                name,
                "who comes back is not told what was missed",
                cure: "let the balancer pass the field Last-Event-ID on"
            )
        ]
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
