import Broker
import Edge
import Foundation
import Hub
import Wire

// Who reads: a WebSocket by its address, streams and polls. All of them are looked at as bytes, in which what is told stands in plain.
extension AccessProbe {
    func read(_ deed: AccessDeed) throws -> AccessOutcome {
        switch deed {
        case .subscribe: try read("channel=\(path)&session=none") { try publishMarker() }
        case .history: try readFromCursor()
        case .presence: try read("channel=$presence/\(path)&session=none", "\"event\":\"join\"") { try someoneJoins() }
        case .resume: try resume()
        case .publish, .call, .api: throw TestFailure("\(way) cannot \(deed)")
        }
    }

    private func readFromCursor() throws -> AccessOutcome {
        let since = try node.ask("POST", "/channels/\(path)", Self.key, body: "before").position
        try publishMarker()
        return try read("channel=\(path)&session=none&cursor=\(path)@\(since)") {}
    }

    private func resume() throws -> AccessOutcome {
        let valid = try AccessShown.valid.token() ?? ""
        let session = try session(by: [("Authorization", "Bearer \(valid)")], channels: [path])
        return try read("session=\(session)") { try publishMarker() }
    }

    /// Reads by a request, and looks for what it is to be told once something was done.
    private func read(
        _ query: String,
        _ expected: String = marker,
        _ act: () throws -> Void
    ) throws -> AccessOutcome {
        let client = try open(query + (way.isPoll ? "&wait=0" : ""))
        let outcome = try verdict(client)
        guard outcome == .allowed else {
            try act()
            try hearAll(client)
            return try agreed(outcome, isDone: client.said.contains(expected))
        }
        if way.isPoll { return try poll(query, client, expected, act) }
        try act()
        return try agreed(outcome, isDone: client.receive { client.said.contains(expected) })
    }

    /// Hears all that is told up to now: what comes behind it answers a question, or is the end.
    private func hearAll(_ client: TestClient) throws {
        if way == .webSocket {
            try? WebSocketClient(openedOn: client).send(.ping, Array("all of it".utf8))
            _ = try client.receive { client.bufferText.contains("all of it") }
        } else {
            try? client.sendRequest("GET", "/healthz")
            _ = try client.receive { client.bufferText.contains("HTTP/1.1 200 ") }
        }
    }

    /// A poll hears with the next one, which is held, unless the first one has it already.
    private func poll(
        _ query: String,
        _ first: TestClient,
        _ expected: String,
        _ act: () throws -> Void
    ) throws -> AccessOutcome {
        if first.said.contains(expected) { return .allowed }
        let end = first.said.split(separator: "\"cursor\":\"").last?.split(separator: "\"").first ?? ""
        let held = try open("\(query)&cursor=\(end)")
        try eventually("the poll is held") { node.metrics.hub.polls.value == 1 }
        try act()
        return try agreed(.allowed, isDone: held.receive { held.said.contains(expected) })
    }

    /// Asks in this way, and shows the token in one of those that its clients have.
    func open(_ query: String) throws -> TestClient {
        let client = try node.connect()
        var query = query
        var fields: [(String, String)] = []
        switch way {
        case .webSocket:
            fields = WebSocketClient.handshake
            if let token { fields.append(("Sec-WebSocket-Protocol", "perseid, perseid.bearer.\(token)")) }
        case .eventStream, .jsonp: if let token { query += "&access_token=\(token)" }
        case .multipart, .frame: if let token { fields.append(("Cookie", "perseid_token=\(token)")) }
        default: fields = bearer
        }
        if way == .jsonp || way == .frame { query += "&callback=f" }
        try client.sendRequest("GET", "\(way.path)?\(query)", fields)
        return client
    }

    /// What a reader is told first: a status, an error's code, or that it is subscribed.
    func verdict(_ client: TestClient) throws -> AccessOutcome {
        let head = try client.readHead()
        guard let status = Int(head.split(separator: " ")[1]) else { throw TestFailure("no status: \(head)") }
        if status >= 400 { return AccessOutcome(status) }
        var code: Int?
        _ = try client.receive {
            let text = client.said
            code = text.firstMatch(of: /"code":(\d+)/).flatMap { Int($0.output.1) }
            return code != nil || text.contains("\"subscribed\"") || way.isPoll && text.contains("\"publications\":")
        }
        return code.map { AccessOutcome($0) } ?? .allowed
    }
}

extension TestClient {
    /// What it was told. In a forever frame quotes are escaped: its messages are strings of a script.
    var said: String { bufferText.replacing("\\", with: "") }
}
