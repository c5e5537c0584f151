import Broker
import Edge
import Foundation
import Hooks
import Reactor
import Synchronization
import Testing
import Trust

/// Keys of tokens that are fetched.
@Suite("Sets of keys by URL")
struct KeySetTests {
    /// A login service: it signs tokens, and has the keys that verify them.
    private final class Login: Sendable {
        private let keys = Lock<[(name: String, secret: [UInt8])]>([])
        private let status = Lock(200)

        func rotate(_ name: String) {
            keys.withLock { $0.append((name, Array("a secret named \(name), of 32 bytes or more".utf8))) }
        }

        func answer(_ status: Int) { self.status.withLock { $0 = status } }

        var reply: HookBackend.Reply {
            let all = keys.withLock { $0 }.map { key in
                let secret = Data(key.secret).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                    .replacing("=", with: "")
                return #"{"kty":"oct","alg":"HS256","kid":"\#(key.name)","k":"\#(secret)"}"#
            }
            return .json(#"{"keys":[\#(all.joined(separator: ","))]}"#, status: status.withLock { $0 })
        }

        func token(_ name: String) throws -> String {
            let secret =
                keys.withLock { $0 }.first { $0.name == name }?.secret
                ?? Array("nobody's secret of 32 bytes, or of some more".utf8)
            let end = Date.now.timeIntervalSince1970 + 3_600
            return try AccessToken.make(["sub": "alice", "exp": end], secret: secret, keyName: name)
        }
    }

    private func withLogin(
        _ login: Login,
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode, HookBackend) throws -> Void
    ) throws {
        let server = try HookBackend { _ in login.reply }
        defer { server.stop() }
        try withNode {
            $0.keySets = [server.url("/keys")]
            $0.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .users, .history: .users])
            ])
            change(&$0)
        } _: { node in
            try body(node, server)
        }
    }

    private func status(_ node: TestNode, _ token: String) throws -> Int {
        try node.ask("GET", "/poll?channel=a&wait=0&session=none", [("Authorization", "Bearer \(token)")]).status
    }

    @Test("a key that is new at the login service is known with the first token that names it")
    func rotation() throws {
        let login = Login()
        login.rotate("one")
        try withLogin(login, { $0.limits.keySetPauseMilliseconds = 1 }) {
            (node: TestNode, server: HookBackend) throws in
            #expect(try status(node, login.token("one")) == 200)
            try eventually("it is ready") { try node.ask("GET", "/readyz").status == 200 }
            login.rotate("two")
            #expect(try status(node, login.token("two")) == 200)
            #expect(try status(node, login.token("one")) == 200)
            #expect(server.requests.count <= 3)
        }
    }

    @Test("keys that nobody knows are looked for once in a while, not once for each token")
    func unknown() throws {
        let login = Login()
        login.rotate("one")
        try withLogin(login, { _ in }) { (node: TestNode, server: HookBackend) throws in
            try eventually("it is ready") { try node.ask("GET", "/readyz").status == 200 }
            for number in 0..<50 { #expect(try status(node, login.token("none-\(number)")) == 401) }
            #expect(server.requests.count == 1)
            #expect(try status(node, login.token("one")) == 200)
        }
    }

    @Test("the last good set outlives an outage, and what is none does not replace it", arguments: [500, 200])
    func outage(_ code: Int) throws {
        let login = Login()
        login.rotate("one")
        let isBroken = Lock(false)
        let server = try HookBackend { _ in
            guard isBroken.withLock({ $0 }) else { return login.reply }
            return code == 200 ? .json(#"{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}"#) : .json("", status: code)
        }
        defer { server.stop() }
        try withNode {
            $0.keySets = [server.url("/keys")]
            $0.limits.keySetPauseMilliseconds = 1
            $0.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .users])
            ])
        } _: { (node: TestNode) throws in
            #expect(try status(node, login.token("one")) == 200)
            isBroken.withLock { $0 = true }
            #expect(try status(node, login.token("other")) == 401)
            try eventually("it failed") { node.node.status.hooks.keySetsFailed.value > 0 }
            #expect(try status(node, login.token("one")) == 200)
            #expect(try node.ask("GET", "/readyz").status == 200)
        }
    }

    @Test(
        "a node starts although the login service is down: it is not ready, tokens are refused, and taken once it is there"
    )
    func down() throws {
        let login = Login()
        login.rotate("one")
        let port = try QuietPort()
        defer { withExtendedLifetime(port) {} }
        try withNode {
            $0.keySets = ["http://127.0.0.1:\(port.number)/keys"]
            $0.limits.keySetPauseMilliseconds = 500
            $0.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("open/*")!, permissions: [.subscribe: .anyone]),
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .users]),
            ])
        } _: { (node: TestNode) throws in
            #expect(try status(node, login.token("one")) == 401)
            let ready = try node.ask("GET", "/readyz")
            #expect(ready.status == 503 && ready.text.contains("keys of tokens"))
            #expect(try node.ask("GET", "/poll?channel=open/1&wait=0").status == 200)
            let server = try HookBackend(port: port.number) { _ in login.reply }
            defer { server.stop() }
            try eventually("it is ready") { try node.ask("GET", "/readyz").status == 200 }
            #expect(try status(node, login.token("one")) == 200)
        }
    }

    @Test("a node reads another address with its settings, and forgets the keys of the one before")
    func change() throws {
        let (login, other) = (Login(), Login())
        login.rotate("one")
        other.rotate("other")
        let server = try HookBackend { _ in other.reply }
        defer { server.stop() }
        try withLogin(login, { _ in }) { (node: TestNode, _: HookBackend) throws in
            #expect(try status(node, login.token("one")) == 200)
            var changed = EdgeConfiguration()
            changed.keySets = [server.url("/keys")]
            changed.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .users])
            ])
            node.node.change(to: changed)
            try eventually("the other is known") { try status(node, other.token("other")) == 200 }
            #expect(try status(node, login.token("one")) == 401)
        }
    }

    @Test("a token does not wait for keys at an address that the settings no longer have")
    func changeMeanwhile() throws {
        let login = Login()
        login.rotate("one")
        let hanging = try HookBackend { _ in .silence }
        defer { hanging.stop() }
        try withLogin(login) {
            $0.keySets.append(hanging.url("/keys"))
            $0.limits.keySetPauseMilliseconds = 1
            // Nothing else ends the wait for it.
            $0.limits.keySetTimeoutMilliseconds = 3_600_000
        } _: { (node: TestNode, server: HookBackend) throws in
            try eventually("one set is there") { node.node.status.hooks.keySetsFetched.value == 1 }
            try eventually("the other is asked for") { hanging.requests.count == 1 }
            let client = try node.connect()
            let token = try login.token("other")
            let authorization = ("Authorization", "Bearer \(token)")
            try client.sendRequest("GET", "/poll?channel=a&wait=0&session=none", [authorization])
            try eventually("its key is looked for") { server.requests.count > 1 }
            #expect(client.isSilent(for: 0.2))
            var changed = EdgeConfiguration()
            changed.keySets = [server.url("/keys")]
            changed.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .users])
            ])
            node.node.change(to: changed)
            #expect(try client.readAnswer().status == 401)
            #expect(try status(node, login.token("one")) == 200)
        }
    }
}
