import Backplane
import Broker
import Edge
import Foundation
import Hooks
import Testing

/// The system's channels are read by who runs the cluster, and by nobody else, however wide rules, grants and keys are.
@Suite("Channels for operators")
struct OperatorChannelTests {
    /// What somebody shows who wants to read one.
    enum Shown: String, CaseIterable, Sendable {
        case none
        /// A user, whom a rule allows everything.
        case user
        /// A token that grants every channel, and those by their names.
        case granted
        /// An API key for all channels that is not for who runs the cluster.
        case reader
        case admin

        func text() throws -> String? {
            let all = ["**", "$nodes", "$other", "$nodes/**"]
            return switch self {
            case .none: nil
            case .user: try AccessToken.of("alice")
            case .granted: try AccessToken.of("alice", ["subscribe": all, "history": all, "presence": all])
            case .reader: "reader"
            case .admin: "a-key-for-tests"
            }
        }

        var expected: AccessOutcome { self == .admin ? .allowed : .forbidden }
    }

    struct Cell: Sendable, CustomTestStringConvertible {
        let way: AccessWay
        let shown: Shown
        var testDescription: String { "\(way), \(shown)" }

        static let all = AccessWay.allCases.flatMap { way in Shown.allCases.map { Cell(way: way, shown: $0) } }
    }

    /// A node whose rules allow everybody everything, those channels by their names, too.
    private func withOpenRules(_ body: (TestNode) throws -> Void) async throws {
        try await withRules {
            $0.answersScripts = true
            $0.apiKeys.append(APIKey(name: "reader", hash: SecretHash(of: "reader"), scopes: [.read, .publish]))
            let everything = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.anyone) })
            $0.rules = AccessRules(
                ["$nodes", "$other", "$nodes/**", "**"].map {
                    AccessRules.Rule(channels: AccessPattern($0)!, permissions: everything)
                }
            )
        } _: {
            try body($0)
        }
    }

    @Test("each way of reading, with whatever is shown", arguments: Cell.all, ["$nodes", "$other", "$nodes/**"])
    func read(_ cell: Cell, channel: String) async throws {
        try await withOpenRules { node in
            let text = try cell.shown.text()
            if cell.way.isBayeux {
                let client = try BayeuxSpeaker(node, cell.way)
                _ = try client.shakeHands(ext: text.map { ["token": $0] } ?? [:])
                let ext: [String: Any] = text.map { ["token": $0] } ?? [:]
                let answer = try client.say(
                    ["channel": "/meta/subscribe", "subscription": "/\(channel)", "ext": ext]
                )
                #expect(AccessProbe.refusal(answer) ?? .allowed == cell.shown.expected)
            } else if cell.way == .request {
                // Nothing is asked of a pattern.
                guard channel != "$nodes/**" else { return }
                let path = channel.replacing("/", with: "%2F")
                for resource in ["", "/history"] {
                    let answer = try node.ask("GET", "/channels/\(path)\(resource)", bearer(text))
                    #expect(AccessOutcome(answer.status) == cell.shown.expected, "\(resource)")
                }
            } else {
                let (outcome, client) = try open(node, cell.way, channel, text)
                #expect(outcome == cell.shown.expected)
                guard outcome == .allowed, channel == "$nodes", !cell.way.isPoll else { return }
                #expect(try client.receive { client.said.contains("\"uptimeSeconds\"") })
            }
        }
    }

    private func bearer(_ text: String?) -> [(String, String)] {
        text.map { [("Authorization", "Bearer \($0)")] } ?? []
    }

    private func open(
        _ node: TestNode,
        _ way: AccessWay,
        _ channel: String,
        _ text: String?
    ) throws -> (AccessOutcome, TestClient) {
        let backend = try HookBackend { _ in .json("{}") }
        defer { backend.stop() }
        let client = try node.connect()
        let fields = (way == .webSocket ? WebSocketClient.handshake : []) + bearer(text)
        let more = way == .jsonp || way == .frame ? "&callback=f" : ""
        try client.sendRequest("GET", "\(way.path)?channel=\(channel)&session=none&wait=0\(more)", fields)
        return (try AccessProbe(node, backend, way, nil).verdict(client), client)
    }

    @Test("what a WebSocket subscribes to later is judged alike", arguments: Shown.allCases)
    func commands(_ shown: Shown) async throws {
        try await withOpenRules { node in
            let socket = try node.webSocket("?session=none", fields: bearer(try shown.text()))
            try socket.next("welcome")
            try socket.send(#"{"type":"subscribe","id":1,"channel":"$nodes"}"#)
            let answer = try socket.next()
            let outcome = answer.type == "error" ? AccessOutcome(answer.code ?? 0) : .allowed
            #expect(outcome == shown.expected, "\(answer)")
        }
    }

    @Test("nobody publishes there, and no client is made to read there", arguments: Shown.allCases)
    func publish(_ shown: Shown) async throws {
        try await withOpenRules { node in
            let fields = bearer(try shown.text())
            #expect(try node.ask("POST", "/channels/$nodes", fields, body: "x").status == 403)
            let body = #"{"channel":"$nodes"}"#
            let answer = try node.ask("POST", "/users/alice/subscribe", fields, body: body)
            #expect(answer.status == (shown == .admin || shown == .reader ? 403 : 401))
        }
    }

    @Test("who resumes an operator's session has what it may have")
    func resumed() async throws {
        try await withOpenRules { node in
            let admin = bearer("a-key-for-tests")
            let first = try node.webSocket("?channel=$nodes&channel=room%2F1", fields: admin)
            let session = try #require(try first.next("welcome")["session"] as? String)
            // Before that the session has no channels to go on with.
            var subscribedCount = 0
            while subscribedCount < 2 { if try first.next().type == "subscribed" { subscribedCount += 1 } }
            first.close()
            let watcher = try node.eventStream("?channel=$nodes&session=none", fields: admin)
            let later = try node.webSocket("?session=\(session)", fields: bearer("reader"))
            let told = node.node.status.uplink.factsTold.value
            try eventually("it was told") { node.node.status.uplink.factsTold.value >= told + 2 }
            #expect(try node.ask("POST", "/channels/room%2F1", admin, body: "the last").status == 200)
            var texts: [String] = []
            while texts.last?.contains("the last") != true { texts.append(try later.next().text) }
            #expect(!texts.contains { $0.contains("uptimeSeconds") }, "\(texts)")
            watcher.close()
        }
    }

    @Test("who had a key loses the channel with it, where there are no rules, too")
    func keyTaken() throws {
        var configuration: EdgeConfiguration?
        try withNode {
            $0.apiKeys = [APIKey(secret: "old"), APIKey(secret: "new")]
            configuration = $0
        } _: { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=$nodes&session=none", fields: bearer("old"))
            try socket.begin()
            var changed = try #require(configuration)
            changed.apiKeys = [APIKey(secret: "new")]
            node.node.change(to: changed)
            var message = try socket.next()
            while message.type == "message" { message = try socket.next() }
            #expect(message.type == "error" && message.code == 403 && message.channel == "$nodes", "\(message)")
        }
    }

    @Test("a backend gives a user no such channel")
    func given() {
        var answer = HookAnswer()
        answer.channels = [.nodes, ChannelName("room/1")!]
        #expect(Identity(user: nil).with(answer).given.map(\.text) == ["room/1"])
        #expect(Identity(text: "ualice;g%24nodes|room%2F1").given.map(\.text) == ["room/1"])
    }

    @Test("a node that is open to whoever reaches it is so for its operators, and one with keys is not")
    func open() throws {
        try withNode { (node: TestNode) throws in
            try node.eventStream("?channel=$nodes").receive { $0.contains("uptimeSeconds") }
        }
        try withNode {
            $0.apiKeys = [APIKey(secret: "k")]
        } _: { (node: TestNode) throws in
            #expect(try node.ask("GET", "/sse?channel=$nodes").status == 403)
            try node.eventStream("?channel=$nodes", fields: bearer("k")).receive { $0.contains("uptimeSeconds") }
        }
    }
}
