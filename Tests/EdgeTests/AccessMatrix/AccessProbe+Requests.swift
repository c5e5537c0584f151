import Foundation

// Who asks: by commands of a WebSocket, and by requests.
extension AccessProbe {
    func command(_ deed: AccessDeed) throws -> AccessOutcome {
        let offered = token.map { [("Sec-WebSocket-Protocol", "perseid, perseid.bearer.\($0)")] } ?? []
        let socket = try node.webSocket("?session=none", fields: offered)
        let first = try socket.next()
        if first.type == "bye", let code = first.code { return AccessOutcome(code) }
        let data = deed == .presence ? "" : #","data":"\#(Self.marker)""#
        try socket.send(#"{"type":"\#(deed)","id":1,"channel":"\#(channel)"\#(data)}"#)
        let answer = try socket.next()
        let outcome = answer.type == "error" ? AccessOutcome(answer.code ?? 0) : .allowed
        switch deed {
        case .publish: return try agreed(outcome, isDone: isPublished())
        case .call: return try agreed(outcome, isDone: isCalled)
        default: return try agreed(outcome, isDone: answer.text.contains("\"members\""))
        }
    }

    /// Whether the backend was asked for it.
    var isCalled: Bool { !backend.requests("call").isEmpty }

    func request(_ deed: AccessDeed) throws -> AccessOutcome {
        switch deed {
        case .subscribe: return try ask("GET", "/channels/\(path)", shows: "\"subscribers\"")
        case .history:
            try publishMarker()
            return try ask("GET", "/channels/\(path)/history", shows: Self.marker)
        case .presence: return try ask("GET", "/channels/\(path)/presence", shows: "\"members\"")
        case .call:
            let answer = try node.ask("POST", "/calls/\(path)", bearer, body: "x")
            return try agreed(AccessOutcome(answer.status), isDone: isCalled)
        case .publish: return try publish()
        case .api: return try administer()
        case .resume: throw TestFailure("\(way) cannot \(deed)")
        }
    }

    private func ask(_ method: String, _ target: String, shows text: String) throws -> AccessOutcome {
        let answer = try node.ask(method, target, bearer)
        return try agreed(AccessOutcome(answer.status), isDone: answer.text.contains(text))
    }

    /// One by itself, and one of many.
    private func publish() throws -> AccessOutcome {
        let answer = try node.ask("POST", "/channels/\(path)", bearer, body: Self.marker)
        let outcome = try agreed(AccessOutcome(answer.status), isDone: isPublished())
        let lines = try node.connect()
        let line = #"{"channel":"\#(channel)","data":"\#(Self.marker)-in-a-line"}"# + "\n"
        try lines.sendRequest("POST", "/publish", bearer + [("Connection", "close")], body: line)
        guard lines.ends() else { throw TestFailure("no end of the answer") }
        let code = lines.bufferText.firstMatch(of: /"code":(\d+)/).flatMap { Int($0.output.1) } ?? 200
        let isThere = try node.ask("GET", "/channels/\(path)/history", Self.key).text.contains("-in-a-line")
        let ofLine = try agreed(AccessOutcome(code), isDone: isThere)
        guard ofLine == outcome else { throw TestFailure("a line is \(ofLine), and a request \(outcome)") }
        return outcome
    }

    /// All that is for operators is refused alike.
    private func administer() throws -> AccessOutcome {
        let session = String(repeating: "a", count: 32)
        let asked = [
            ("GET", "/channels", ""), ("GET", "/sessions", ""), ("GET", "/nodes", ""), ("GET", "/users/alice", ""),
            ("POST", "/users/alice/disconnect", "{}"), ("POST", "/users/alice/subscribe", #"{"channel":"room/1"}"#),
            ("POST", "/users/alice/unsubscribe", #"{"channel":"room/1"}"#), ("GET", "/sessions/\(session)", ""),
            ("POST", "/sessions/\(session)/disconnect", "{}"), ("GET", "/addresses/10.1.2.3", ""),
            ("POST", "/addresses/10.1.2.3/disconnect", "{}"),
            ("POST", "/tokens/revoke", #"{"user":"bob"}"#),
        ]
        var outcomes: [AccessOutcome] = []
        for (method, target, body) in asked {
            let answer = try node.ask(method, target, bearer, body: method == "POST" ? body : nil)
            outcomes.append(AccessOutcome(answer.status))
        }
        guard let outcome = outcomes.first, outcomes.allSatisfy({ $0 == outcome }) else {
            throw TestFailure("not alike: \(outcomes)")
        }
        return outcome
    }
}
