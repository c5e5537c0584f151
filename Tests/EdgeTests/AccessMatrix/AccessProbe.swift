import Foundation

/// Tries one cell of the matrix at a real node, and says what became of it: what the client was answered, which must agree with what it got
/// or did.
struct AccessProbe {
    let node: TestNode
    let backend: HookBackend
    let way: AccessWay
    let token: String?

    /// Where it is tried.
    let channel: String

    /// What is published, and must be seen by those who may and by nobody else.
    static let marker = "what-only-some-may-see"
    static let key = [("Authorization", "Bearer a-key-for-tests")]

    /// Makes one, for a client that shows something.
    init(_ node: TestNode, _ backend: HookBackend, _ way: AccessWay, _ token: String?, channel: String = "room/1") {
        (self.node, self.backend, self.way, self.token, self.channel) = (node, backend, way, token, channel)
    }

    func outcome(of deed: AccessDeed) throws -> AccessOutcome {
        switch (way, deed) {
        case (.webSocket, .publish), (.webSocket, .presence), (.webSocket, .call): try command(deed)
        case (.request, _): try request(deed)
        case (.bayeux, _), (.bayeuxSocket, _): try bayeux(deed)
        default: try read(deed)
        }
    }

    var bearer: [(String, String)] { token.map { [("Authorization", "Bearer \($0)")] } ?? [] }
    var path: String { channel.replacing("/", with: "%2F") }

    // MARK: What others do and see

    /// Publishes what is looked for, by a backend; returns its position.
    @discardableResult
    func publishMarker() throws -> String {
        try node.ask("POST", "/channels/\(path)", Self.key, body: Self.marker).position
    }

    /// Whether it was published.
    func isPublished() throws -> Bool {
        try node.ask("GET", "/channels/\(path)/history", Self.key).text.contains(Self.marker)
    }

    /// Somebody else comes to the channel.
    func someoneJoins() throws {
        try node.webSocket("?channel=\(path)", fields: Self.key).begin()
    }

    /// A session that a user who may began, with the channel and others; its connection is lost.
    func session(by fields: [(String, String)], channels: [String]) throws -> String {
        let query = channels.map { "channel=\($0)" }.joined(separator: "&")
        let socket = try node.webSocket("?\(query)", fields: fields)
        let welcome = try socket.next("welcome")
        for _ in channels { try socket.next("subscribed") }
        socket.close()
        guard let session = welcome["session"] as? String else { throw TestFailure("no session: \(welcome)") }
        return session
    }

    /// What it was told must be what came of it.
    func agreed(_ outcome: AccessOutcome, isDone: Bool) throws -> AccessOutcome {
        guard (outcome == .allowed) == isDone else {
            throw TestFailure("it was told \(outcome), and it was \(isDone ? "" : "not ")done")
        }
        return outcome
    }
}
