import Broker
import Edge
import Foundation
import Logging
import Testing
import Trust

@Suite("Who may do what")
struct AccessTests {
    private typealias Kind = AccessToken.Kind

    private func bearer(_ token: String?) -> [(String, String)] {
        token.map { [("Authorization", "Bearer \($0)")] } ?? []
    }

    // MARK: Requests

    @Test(
        "each request by what it shows: nothing, a token that is taken, and tokens that are not",
        arguments: AccessToken.Kind.allCases
    )
    func requests(kind: AccessToken.Kind) async throws {
        try await withRules { (node: TestNode) throws in
            let fields = bearer(try kind.token())
            let requests = [
                ("POST", "/channels/room%2F1"), ("GET", "/channels/room%2F1/history"),
                ("GET", "/channels/room%2F1/presence"),
                ("GET", "/channels/room%2F1"), ("GET", "/poll?channel=room/1&wait=0"),
                ("GET", "/poll?channel=room/*&wait=0"),
            ]
            for (method, target) in requests {
                let answer = try node.ask(method, target, fields, body: method == "POST" ? "x" : nil)
                #expect(answer.status == kind.status, "\(method) \(target): \(answer.text)")
                // A client learns no more than that.
                if answer.status == 403 {
                    #expect(answer.text.contains("not allowed") && answer.errorField == "channel")
                }
                if answer.status == 401 { #expect(answer["WWW-Authenticate"]?.hasPrefix("Bearer") == true) }
            }
            for path in ["/sse", "/stream", "/multipart", "/frame"] {
                let client = try node.connect()
                try client.sendRequest("GET", "\(path)?channel=room/1&session=none&callback=f", fields)
                let status = Int(try client.readHead().split(separator: " ")[1])
                #expect(status == kind.status, "\(path)")
            }
            // A line each.
            let lines = try node.connect()
            try lines.sendRequest(
                "POST",
                "/publish",
                fields + [("Connection", "close")],
                body: "{\"channel\":\"room/1\",\"data\":1}\n"
            )
            #expect(lines.ends())
            let text = String(decoding: lines.takeAll(), as: UTF8.self)
            #expect(text.contains(kind == .valid ? "position" : "\"code\":\(kind.status)"), "\(text)")
            // What is for everyone asks for nothing, and a token that is not taken is told all the same.
            #expect(
                try node.ask("GET", "/poll?channel=public/a&wait=0", fields).status == (kind.status == 401 ? 401 : 200)
            )
            #expect(try node.ask("GET", "/healthz", fields).status == 200)
            // Nobody may do what no rule names.
            #expect(
                try node.ask("GET", "/poll?channel=other&wait=0", fields).status == (kind.status == 401 ? 401 : 403)
            )
        }
    }

    @Test("a token may come in a field, in the query, in a cookie, and as a subprotocol; each by itself")
    func waysIn() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            func status(_ target: String, _ fields: [(String, String)] = []) throws -> Int {
                try node.ask("GET", target, fields).status
            }
            let target = "/poll?channel=room/1&wait=0"
            #expect(try status(target, bearer(token)) == 200)
            #expect(try status(target, [("Authorization", "bearer \(token)")]) == 200)
            #expect(try status(target + "&access_token=\(token)") == 200)
            #expect(try status(target, [("Cookie", "a=b; perseid_token=\(token); c=d")]) == 200)
            #expect(try status(target, [("Cookie", "other=\(token)")]) == 403)
            #expect(try status(target, [("Authorization", "Basic \(token)")]) == 403)
            for offered in ["perseid, perseid.bearer.\(token)", "bearer, \(token), perseid"] {
                let socket = try node.webSocket("?channel=room/1", fields: [("Sec-WebSocket-Protocol", offered)])
                try socket.begin()
            }
        }
    }

    @Test("a cookie is not taken from pages of other sites, nor for a script that they could have run")
    func cookies() async throws {
        let cookie = [("Cookie", "perseid_token=\(try AccessToken.of("alice"))")]
        try await withRules {
            $0.answersScripts = true
            $0.allowedOrigins = ["https://friend.example"]
        } _: { (node: TestNode) throws in
            let target = "/poll?channel=room/1&wait=0"
            #expect(try node.ask("GET", target, cookie + [("Origin", "https://friend.example")]).status == 200)
            #expect(try node.ask("GET", target, cookie + [("Origin", "https://evil.example")]).status == 403)
            #expect(try node.ask("GET", target + "&callback=f", cookie).text.contains("403"))
            let frame = try node.connect()
            try frame.sendRequest("GET", "/frame?channel=room/1&callback=f&session=none", cookie)
            #expect(try frame.readHead().contains(" 200 "))
        }
    }

    @Test(
        "a cookie is not taken for Bayeux's script, which any page can have run, with or without the name of a function"
    )
    func cookiesOfScripts() async throws {
        let cookie = [("Cookie", "perseid_token=\(try AccessToken.of("alice"))")]
        let subscription: [String: Any] = ["channel": "/meta/subscribe", "subscription": "/room/1", "clientId": ""]
        try await withRules {
            $0.answersScripts = true
        } _: { (node: TestNode) throws in
            for callback in ["", "&jsonp=f", "&callback=f"] {
                func say(_ message: [String: Any]) throws -> [String: Any] {
                    let json = try BayeuxClient.json([message])
                    let text = try #require(json.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
                    let script = try node.ask("GET", "/bayeux?message=\(text)\(callback)", cookie).text
                    let argument = script.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
                    let all = try JSONSerialization.jsonObject(with: Data(argument.utf8)) as? [[String: Any]]
                    return try #require(all?.last)
                }
                let clientID = try #require(try say(BayeuxClient.handshake)["clientId"] as? String)
                let reply = try say(subscription.merging(["clientId": clientID]) { $1 })
                #expect(reply.error == "403:/meta/subscribe:Forbidden", "\(callback)")
            }
            // A page of this site asks by a body, and with it the cookie counts.
            let client = try BayeuxClient(node)
            let answer = try client.post(
                BayeuxClient.json([BayeuxClient.handshake]),
                type: "application/json",
                path: nil,
                cookie
            )
            let clientID = try #require(try BayeuxClient.messages(answer)[0]["clientId"] as? String)
            let body = try BayeuxClient.json([subscription.merging(["clientId": clientID]) { $1 }])
            #expect(try BayeuxClient.messages(client.post(body)).last?.isSuccessful == true)
        }
    }

    @Test("where pages of all sites may read, a frame is shown to one with the user's cookie only if that is listed")
    func cookiesOfFrames() async throws {
        let cookie = [("Cookie", "perseid_token=\(try AccessToken.of("alice"))")]
        try await withRules {
            $0.allowedOrigins = ["*", "https://friend.example"]
        } _: { (node: TestNode) throws in
            func status(_ query: String, _ fields: [(String, String)] = []) throws -> Int? {
                let frame = try node.connect()
                try frame.sendRequest("GET", "/frame?channel=room/1&session=none\(query)", cookie + fields)
                return Int(try frame.readHead().split(separator: " ")[1])
            }
            #expect(try status("&origin=https%3A%2F%2Fevil.example") == 403)
            #expect(try status("&callback=f", [("Referer", "https://evil.example/page")]) == 403)
            #expect(try status("&origin=https%3A%2F%2Ffriend.example") == 200)
            #expect(try status("&callback=f", [("Referer", "https://friend.example/page")]) == 200)
            #expect(try status("&callback=f") == 200)
        }
    }

    @Test("a refusal names the rule in the operator's log, and who floods does not fill that")
    func refusalLog() async throws {
        let log = RecordedLog()
        let token = try AccessToken.of("alice")
        try await withRules {
            $0.logger = Logger(label: "test") { _ in log.handler }
        } _: { (node: TestNode) throws in
            for _ in 0..<20 {
                #expect(try node.ask("GET", "/poll?channel=user/bob/x&wait=0", bearer(token)).status == 403)
            }
        }
        let told = log.lines.filter { $0.contains("not allowed") && $0.contains("user: alice") }
        #expect(told.filter { $0.hasPrefix("notice") }.count == 1 && told.filter { $0.hasPrefix("debug") }.count == 19)
        #expect(
            told[0].contains("channel: user/bob/x") && told[0].contains("rule: 3") && told[0].contains("for: owner")
        )
    }

    @Test("an API key may do all of it, and is no token")
    func keys() async throws {
        try await withRules { (node: TestNode) throws in
            let key = bearer("a-key-for-tests")
            for target in ["/channels/other", "/channels/room%2F1"] {
                #expect(try node.ask("POST", target, key, body: "x").status == 200)
            }
            #expect(try node.ask("GET", "/channels/other/history", key).status == 200)
            #expect(try node.ask("GET", "/poll?channel=**&wait=0", key).status == 200)
            // Whatever else is shown beside it.
            for token in ["garbage", try AccessToken.of("alice")] {
                #expect(try node.ask("GET", "/channels/other/history?access_token=\(token)", key).status == 200)
            }
            #expect(try node.ask("GET", "/channels/other/history", bearer("another-key")).status == 401)
        }
    }

    @Test("a key allows what its scopes and channels say, and what everybody may")
    func scopedKeys() async throws {
        let channels = [AccessPattern("billing/**")!]
        let publisher = APIKey(
            name: "publisher",
            hash: SecretHash(of: "publisher"),
            scopes: [.publish],
            channels: channels
        )
        let reader = APIKey(name: "reader", hash: SecretHash(of: "reader"), scopes: [.read])
        try await withRules {
            $0.apiKeys = [publisher, reader]
        } _: { (node: TestNode) throws in
            func publish(_ channel: String, _ key: String) throws -> Int {
                try node.ask("POST", "/channels/\(channel)", bearer(key), body: "x").status
            }
            func read(_ channel: String, _ key: String) throws -> Int {
                try node.ask("GET", "/poll?channel=\(channel)&wait=0", bearer(key)).status
            }
            #expect(try publish("billing/1", "publisher") == 200)
            #expect(try publish("other", "publisher") == 403)
            #expect(try publish("public/1", "publisher") == 200)
            #expect(try read("billing/1", "publisher") == 403)
            #expect(try read("public/1", "publisher") == 200)
            #expect(try read("other", "reader") == 200)
            #expect(try read("**", "reader") == 200)
            #expect(try read("$presence/other", "reader") == 200)
            #expect(try publish("other", "reader") == 403)
            // One that is a WebSocket's reads by it as long as it lasts.
            let socket = try node.webSocket("?session=none", fields: bearer("reader"))
            try socket.next("welcome")
            try socket.send(#"{"type":"subscribe","id":1,"channel":"other"}"#)
            #expect(try socket.next("subscribed").channel == "other")
            try socket.send(#"{"type":"publish","id":2,"channel":"other","data":1}"#)
            #expect(try socket.next("error").code == 403)
        }
    }

    @Test(
        "what is an owner's is nobody else's; what a token grants is that, and a pattern must be allowed in all of it"
    )
    func rights() async throws {
        let grants: [String: Any] = ["subscribe": ["granted/a/*", "granted/b"], "publish": ["granted/b"]]
        let token = try AccessToken.of("alice", grants)
        try await withRules { (node: TestNode) throws in
            func status(_ channel: String) throws -> Int {
                try node.ask("GET", "/poll?channel=\(channel)&wait=0", bearer(token)).status
            }
            for channel in [
                "user/alice/x", "user/alice/x/y", "user/alice/**", "user/alice/*", "granted/a/1", "granted/a/*",
                "granted/b",
            ] {
                #expect(try status(channel) == 200, "\(channel)")
            }
            for channel in [
                "user/bob/x", "user/*", "user/**", "user/alice", "granted/a/1/2", "granted/a/**", "granted/*", "**",
                "*", "room/**",
                "$presence/granted/b", "$presence/user/bob/x",
            ] {
                #expect(try status(channel) == 403, "\(channel)")
            }
            #expect(try status("$presence/user/alice/x") == 200)
            #expect(try node.ask("POST", "/channels/granted%2Fb", bearer(token), body: "x").status == 200)
            #expect(try node.ask("POST", "/channels/granted%2Fa%2F1", bearer(token), body: "x").status == 403)
            // One of several is enough to refuse the request.
            let refusal = try node.ask("GET", "/poll?channel=room/1&channel=user/bob/x&wait=0", bearer(token))
            #expect(refusal.status == 403)
            #expect(try (refusal.json["error"] as? [String: Any])?["channel"] as? String == "user/bob/x")
        }
    }

    // MARK: WebSockets

    @Test("a WebSocket by what it shows", arguments: AccessToken.Kind.allCases)
    func webSockets(kind: AccessToken.Kind) async throws {
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1&channel=public/a", fields: bearer(try kind.token()))
            switch kind {
            case .none:
                try socket.next("welcome")
                let error = try socket.next("error")
                #expect(error.code == 403 && error.channel == "room/1")
                #expect(try socket.next("subscribed").channel == "public/a")
            case .valid:
                try socket.begin(2)
            default:
                let code = kind == .expired ? 4_010 : 4_011
                let bye = try socket.next("bye")
                #expect(bye.code == code && bye["reconnect"] as? Bool == (kind == .expired))
                #expect(try socket.nextClose().code == code)
                return
            }
            for command in [
                #"{"type":"subscribe","id":1,"channel":"room/2"}"#,
                #"{"type":"publish","id":1,"channel":"room/3","data":1}"#,
                #"{"type":"presence","id":1,"channel":"room/3"}"#,
            ] {
                try socket.send(command)
                let message = try socket.next()
                #expect(message.id == 1 && (message.type == "error") == (kind == .none))
                guard kind == .none else { continue }
                // Which channel it does not read is told; of the others it reads the client is not to take that for an answer.
                let unread = command.contains("subscribe") ? "room/2" : nil
                #expect(message.code == 403 && message.channel == unread)
            }
            try socket.send(#"{"type":"subscribe","id":2,"channel":"room/**"}"#)
            let error = try socket.next("error")
            #expect(error.code == 403 && error.channel == "room/**")
        }
    }

    @Test(
        "a WebSocket may show its token later, and another one of its user; what it may no longer read it no longer reads"
    )
    func authenticate() async throws {
        let wide = try AccessToken.of("alice", ["subscribe": ["granted/**"]])
        let narrow = try AccessToken.of("alice", ["subscribe": ["granted/b"]])
        let other = try AccessToken.of("bob")
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket()
            try socket.next("welcome")
            for bad in ["garbage", try Kind.foreign.token()!, try Kind.expired.token()!] {
                try socket.send(#"{"type":"authenticate","id":1,"token":"\#(bad)"}"#)
                let error = try socket.next("error")
                #expect(error.code == 401 && error.id == 1 && !error.text.contains(bad))
            }
            try socket.send(#"{"type":"authenticate","id":2}"#)
            #expect(try socket.next("error").code == 400)
            try socket.send(#"{"type":"authenticate","id":3,"token":"\#(wide)"}"#)
            let told = try socket.next("authenticated")
            #expect(told.id == 3 && told["user"] as? String == "alice" && told["expires"] as? Int ?? 0 > 1_700_000_000)
            for channel in ["granted/a", "granted/b"] {
                try socket.send(#"{"type":"subscribe","channel":"\#(channel)"}"#)
                try socket.next("subscribed")
            }
            try socket.send(#"{"type":"authenticate","id":4,"token":"\#(other)"}"#)
            #expect(try socket.next("error").code == 403)
            try socket.send(#"{"type":"authenticate","id":5,"token":"\#(narrow)"}"#)
            try socket.next("authenticated")
            let error = try socket.next("error")
            #expect(error.code == 403 && error.channel == "granted/a")
            let key = bearer("a-key-for-tests")
            for channel in ["granted%2Fa", "granted%2Fb"] {
                _ = try node.ask("POST", "/channels/\(channel)", key, body: "x")
            }
            #expect(try socket.next("message").channel == "granted/b")
        }
    }

    // MARK: Time

    @Test("when a token ends its readers are told to come again, and who has shown another one by then stays")
    func expiry() async throws {
        let long = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            // Made once the node is there, for which a busy machine may take as long.
            let short = try AccessToken.of("alice", endsIn: 8)
            let socket = try node.webSocket("?channel=room/1", fields: bearer(short))
            try socket.begin()
            let refreshed = try node.webSocket("?channel=room/1", fields: bearer(short))
            try refreshed.begin()
            try refreshed.send(#"{"type":"authenticate","token":"\#(long)"}"#)
            try refreshed.next("authenticated")
            let stream = try node.eventStream("?channel=room/1&access_token=\(short)")
            try stream.begin()
            let bye = try socket.next("bye")
            #expect(bye.code == 4_010 && bye.reason == "token expired" && bye["reconnect"] as? Bool == true)
            #expect(try socket.nextClose().code == 4_010)
            #expect(try Message(stream.next("bye").data).code == 4_010)
            #expect(try node.ask("GET", "/poll?channel=room/1&wait=0", bearer(short)).status == 401)
            let position = try node.ask("POST", "/channels/room%2F1", bearer(long), body: "x").position
            #expect(try refreshed.next("message").position == position)
            try eventually("it is counted") { node.metrics.accessTokensExpired.value == 2 }
        }
    }

    @Test("a token that is not valid yet is taken once it is")
    func notYetValid() async throws {
        try await withRules { (node: TestNode) throws in
            let begin = Date.now.timeIntervalSince1970 + 6
            let token = try AccessToken.make(["sub": "alice", "aud": "push", "nbf": begin])
            func status() throws -> Int { try node.ask("GET", "/poll?channel=room/1&wait=0", bearer(token)).status }
            #expect(try status() == 401)
            try eventually("it is valid") { try status() == 200 }
            #expect(Date.now.timeIntervalSince1970 >= begin)
        }
    }

    @Test("a poll is held no longer than its token lasts")
    func heldPoll() async throws {
        try await withRules { (node: TestNode) throws in
            let short = try AccessToken.of("alice", endsIn: 6)
            let begin = Date.now
            #expect(try node.ask("GET", "/poll?channel=room/1", bearer(short)).status == 200)
            // Polls are held for 25 s.
            #expect(Date.now.timeIntervalSince(begin) < 20)
        }
    }

    // MARK: Other rules

    @Test("other rules are for those who read already, too, and nobody is cut off who may still read something")
    func changedRules() async throws {
        let next = Array("the next secret, which has more than 32 bytes".utf8)
        let (old, new) = (
            try AccessToken.of("alice"), try AccessToken.make(["sub": "alice", "aud": "push"], secret: next)
        )
        let keys = try await TokenKey.hmac(AccessToken.secret, name: nil) + TokenKey.hmac(next, name: nil)
        try await withRules { (node: TestNode) throws in
            let sockets = try (0..<40).map { _ in
                try node.webSocket("?channel=room/1&channel=public/a&session=none", fields: bearer(old))
            }
            for socket in sockets { try socket.begin(2) }
            let stream = try node.eventStream("?channel=room/1&session=none&access_token=\(old)")
            try stream.begin()
            let other = try node.eventStream("?channel=public/a&session=none")
            try other.begin()
            #expect(try node.ask("GET", "/poll?channel=secret&wait=0", bearer(new)).status == 401)

            var configuration = EdgeConfiguration()
            configuration.tokens.keys = keys
            configuration.tokens.audience = "push"
            configuration.rules = AccessRules(
                [("public/**", .anyone), ("secret", .users)].map { channels, permission in
                    AccessRules.Rule(
                        channels: AccessPattern(channels)!,
                        permissions: [.subscribe: permission, .publish: .anyone]
                    )
                }
            )
            node.node.change(to: configuration)
            for socket in sockets {
                let error = try socket.next("error")
                #expect(error.code == 403 && error.channel == "room/1")
            }
            #expect(try Message(stream.next("bye").data).code == 4_005)
            try node.publish("public%2Fa", "x")
            for socket in sockets { #expect(try socket.next("message").channel == "public/a") }
            #expect(try Message(other.next("").data).data == "x")
            for token in [old, new] {
                #expect(try node.ask("GET", "/poll?channel=secret&wait=0", bearer(token)).status == 200)
                #expect(try node.ask("GET", "/poll?channel=room/1&wait=0", bearer(token)).status == 403)
            }
            // The key was let go of.
            #expect(try node.ask("GET", "/poll?channel=room/1&wait=0", bearer("a-key-for-tests")).status == 401)
        }
    }

    @Test(
        "a key that is let go of is none for Bayeux over a WebSocket either, wherever it was shown",
        arguments: [true, false]
    )
    func changedKeys(isShownInMessage: Bool) async throws {
        let key = "a-key-for-tests"
        var configuration = EdgeConfiguration()
        configuration.apiKeys = ["another-key"].map(APIKey.init(secret:))
        configuration.rules = AccessRules([
            AccessRules.Rule(channels: AccessPattern("public/**")!, permissions: [.publish: .anyone])
        ])
        try await withRules { (node: TestNode) throws in
            let client = try BayeuxSocketClient(
                ready: node,
                ext: isShownInMessage ? ["token": key] : nil,
                fields: isShownInMessage ? [] : bearer(key)
            )
            #expect(try client.ask(["channel": "/other", "data": 1]).last?.isSuccessful == true)
            node.node.change(to: configuration)
            try eventually("it is none") {
                try node.ask("POST", "/channels/other", bearer(key), body: "x").status != 200
            }
            #expect(try client.ask(["channel": "/other", "data": 1]).last?.error == "403:/other:Forbidden")
            #expect(try client.ask(["channel": "/public/a", "data": 1]).last?.isSuccessful == true)
        }
    }

    // MARK: Sessions

    @Test("a session does not bring back what its user may no longer have")
    func resume() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1&channel=public/a", fields: bearer(token))
            let session = try #require(try socket.next("welcome")["session"] as? String)
            for _ in 0..<2 { try socket.next("subscribed") }
            socket.close()
            // Without the token.
            let again = try node.webSocket("?session=\(session)")
            try again.next("welcome")
            #expect(try again.next("error").code == 403)
            #expect(try again.next("subscribed").channel == "public/a")
            again.close()
            let stream = try node.eventStream("?session=\(session)")
            try stream.begin()
            #expect(try node.ask("GET", "/poll?channel=room/1&session=\(session)&wait=0").status == 403)
            stream.close()
            // And with it.
            let back = try node.webSocket("?session=\(session)", fields: bearer(token))
            try back.begin(2)
        }
    }

    // MARK: Looking at tokens

    @Test("a token is looked at once for all who show it, and again never while it is remembered")
    func cache() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let sockets = try (0..<20).map { _ in
                try node.webSocket("?channel=room/1&session=none", fields: bearer(token))
            }
            for socket in sockets { try socket.begin() }
            for _ in 0..<5 { #expect(try node.ask("GET", "/channels/room%2F1", bearer(token)).status == 200) }
            try eventually("it is counted") { node.metrics.accessTokensLookedAt.value == 1 }
            for _ in 0..<5 { #expect(try node.ask("GET", "/channels/room%2F1", bearer("garbage")).status == 401) }
            try eventually("it is counted") { node.metrics.accessTokensLookedAt.value == 2 }
        }
    }

    @Test("a request whose token is being looked at waits whole, also with its body in pieces and others behind it")
    func pipelined() async throws {
        let tokens = try (0..<3).map { try AccessToken.of("user\($0)") }
        try await withRules { (node: TestNode) throws in
            let client = try node.connect()
            var bytes: [UInt8] = []
            for token in tokens {
                bytes += TestClient.request(
                    "POST",
                    "/channels/room%2F1",
                    bearer(token),
                    body: Array("hello".utf8),
                    port: node.port
                )
            }
            for piece in stride(from: 0, to: bytes.count, by: 40) {
                try client.send(Array(bytes[piece..<min(piece + 40, bytes.count)]))
            }
            for _ in tokens { #expect(try client.readAnswer().status == 200) }
            let chunked = try node.connect()
            let fourth = try AccessToken.of("user4")
            try chunked.send(
                "POST /channels/room%2F1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(fourth)\r\n"
            )
            try chunked.send("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            #expect(try chunked.readAnswer().status == 200)
        }
    }

    // MARK: Bayeux

    @Test("Bayeux: a token is shown with the handshake, and the session remembers whose it is")
    func bayeux() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let stranger = try BayeuxClient(ready: node)
            #expect(try stranger.subscribe("/room/1").error == "403:/meta/subscribe:Forbidden")
            #expect(try stranger.publish("/room/1", 1).error == "403:/room/1:Forbidden")
            #expect(try stranger.subscribe("/public/a").isSuccessful == true)

            let client = try BayeuxClient(node)
            try client.shakeHands(ext: ["token": token])
            _ = try client.connect()
            #expect(try client.subscribe("/room/1").isSuccessful == true)
            #expect(try client.subscribe("/room/**").isSuccessful == false)
            #expect(try client.publish("/room/2", 1).isSuccessful == true)
            _ = try node.ask("POST", "/channels/room%2F1", bearer("a-key-for-tests"), body: "x")
            #expect(try client.connect().contains { $0["data"] as? String == "x" })
        }
    }

    @Test("Bayeux over an event stream: the session says whose it is")
    func bayeuxEventStream() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let client = try BayeuxClient(node)
            try client.shakeHands(ext: ["token": token])
            _ = try client.connect()
            try client.subscribe("/room/1")
            let stream = try node.connect()
            try stream.sendRequest("GET", "/bayeux/\(client.clientID)", [("Accept", "text/event-stream")])
            #expect(try stream.readHead().contains(" 200 "))
            _ = try node.ask("POST", "/channels/room%2F1", bearer("a-key-for-tests"), body: "hello")
            #expect(try stream.receive { stream.bufferText.contains("hello") })
        }
    }

    @Test("Bayeux over a WebSocket: by the token of its handshake, and so on the next one")
    func bayeuxSocket() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let stranger = try BayeuxSocketClient(ready: node)
            #expect(
                try stranger.ask(["channel": "/meta/subscribe", "subscription": "/room/1"]).last?.error
                    == "403:/meta/subscribe:Forbidden"
            )
            let client = try BayeuxSocketClient(ready: node, ext: ["token": token])
            #expect(
                try client.ask(["channel": "/meta/subscribe", "subscription": "/room/1"]).last?.isSuccessful == true
            )
            #expect(try client.ask(["channel": "/meta/subscribe", "subscription": "/**"]).last?.isSuccessful == false)
            _ = try node.ask("POST", "/channels/room%2F1", bearer("a-key-for-tests"), body: "x")
            #expect(try client.next().delivered == ["x"])
            client.socket.close()
            // Another socket goes on with the session, whose it is known.
            let second = try BayeuxSocketClient(node)
            second.clientID = client.clientID
            try second.send(["channel": "/meta/connect", "connectionType": "websocket"])
            _ = try node.ask("POST", "/channels/room%2F1", bearer("a-key-for-tests"), body: "y")
            var all: [[String: Any]] = []
            while !all.delivered.contains("y") { all += try second.next() }
        }
    }

    @Test(
        "Bayeux: a handshake with a token that is not taken fails",
        arguments: [AccessToken.Kind.expired, .foreign, .garbage]
    )
    func bayeuxRefused(kind: AccessToken.Kind) async throws {
        let token = try #require(try kind.token())
        try await withRules { (node: TestNode) throws in
            var message = BayeuxClient.handshake
            message["ext"] = ["authentication": ["token": token]]
            let reply = try BayeuxClient.messages(try BayeuxClient(node).post(BayeuxClient.json([message])))[0]
            #expect(reply.isSuccessful == false && reply.error == "401::Invalid token")
        }
    }

    @Test("Bayeux: when the token ends its client begins anew")
    func bayeuxExpiry() async throws {
        try await withRules { (node: TestNode) throws in
            let short = try AccessToken.of("alice", endsIn: 6)
            let client = try BayeuxClient(node)
            try client.shakeHands(ext: ["token": short])
            _ = try client.connect()
            #expect(try client.subscribe("/room/1").isSuccessful == true)
            try eventually("the token is over") {
                let reply = try client.connect(advice: ["timeout": 0]).last
                return reply?.error == "401::Token expired"
            }
            #expect(try client.subscribe("/room/2").error == "403:/meta/subscribe:Forbidden")
            let socket = try BayeuxSocketClient(ready: node, ext: ["token": try AccessToken.of("alice", endsIn: 6)])
            #expect(try socket.socket.nextClose().code == 4_010)
            let again = try BayeuxSocketClient(node)
            again.clientID = socket.clientID
            let reply = try again.ask(["channel": "/meta/connect", "connectionType": "websocket"]).last
            #expect(reply?.error == "401::Token expired" && reply?.reconnect == "handshake")
        }
    }

    // MARK: Sessions

    @Test("a session is its user's: another user does not have it, though it knows its token")
    func sessionOwner() async throws {
        let (alice, bob) = (try AccessToken.of("alice"), try AccessToken.of("bob"))
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(alice))
            let token = try #require(try socket.next("welcome")["session"] as? String)
            let answer = try node.ask("GET", "/poll?session=\(token)&wait=0", bearer(bob))
            #expect(answer.status == 401 && answer.errorField == "session")
            let thief = try node.webSocket("?session=\(token)", fields: bearer(bob))
            #expect(try thief.next("bye").code == 4_003)
            let again = try node.webSocket("?session=\(token)", fields: bearer(alice))
            #expect(try again.next("welcome")["session"] as? String == token)
            // One that began as nobody's may become somebody's.
            let open = try node.webSocket("?channel=public/1")
            let free = try #require(try open.next("welcome")["session"] as? String)
            let known = try node.webSocket("?session=\(free)", fields: bearer(alice))
            #expect(try known.next("welcome")["session"] as? String == free)
        }
    }

    @Test("a session of Bayeux is its user's, too, whichever way another user comes with its name")
    func bayeuxOwner() async throws {
        let (alice, bob) = (try AccessToken.of("alice"), try AccessToken.of("bob"))
        try await withRules { (node: TestNode) throws in
            let client = try BayeuxSpeaker(node, .bayeux)
            _ = try client.shakeHands(ext: ["token": alice])
            _ = try client.connect()
            let subscription: [String: Any] = ["channel": "/meta/subscribe", "subscription": "/room/1"]
            #expect(try client.say(subscription).last?.isSuccessful == true)
            for way in [AccessWay.bayeux, .bayeuxSocket] {
                let thief = try BayeuxSpeaker(node, way)
                thief.clientID = client.clientID
                let unknown = "402:\(client.clientID):Unknown client"
                #expect(try thief.connect(ext: ["token": bob]).last?.error == unknown)
                let publish: [String: Any] = ["channel": "/room/1", "data": 1, "ext": ["token": bob]]
                #expect(try thief.say(publish).last?.error == unknown)
            }
            // In the request's own fields, and for the event stream.
            let body = try BayeuxClient.json([["channel": "/room/1", "data": 1, "clientId": client.clientID]])
            let said = try BayeuxClient.messages(node.ask("POST", "/bayeux", bearer(bob), body: body))
            #expect(said.last?.error?.hasPrefix("402:") == true)
            let stream = [("Accept", "text/event-stream")] + bearer(bob)
            #expect(try node.ask("GET", "/bayeux/\(client.clientID)", stream).status == 401)
            // A socket that is alice's by now does not become another's, unless by a handshake.
            let socket = try BayeuxSpeaker(node, .bayeuxSocket)
            socket.clientID = client.clientID
            #expect(try socket.connect(ext: ["token": alice]).last?.isSuccessful == true)
            #expect(try socket.connect(ext: ["token": bob]).last?.error == "403::Forbidden")
            #expect(try socket.say(["channel": "/room/1", "data": 1]).last?.isSuccessful == true)
            #expect(try socket.shakeHands(ext: ["token": bob]).last?.isSuccessful == true)
            // Its user has it still.
            let other = try AccessToken.of("alice", endsIn: 7_200)
            #expect(try client.connect(ext: ["token": other]).last?.isSuccessful == true)
        }
    }

    @Test(
        "a session of Bayeux whose token was taken back is over, on whichever connection it comes",
        arguments: [true, false]
    )
    func bayeuxRevoked(isSocket: Bool) async throws {
        let token = try AccessToken.make(["sub": "alice", "aud": "push", "jti": "t"])
        try await withRules { (node: TestNode) throws in
            let client = try BayeuxSpeaker(node, .bayeux)
            _ = try client.shakeHands(ext: ["token": token])
            _ = try client.connect()
            let body = #"{"token":"\#(token)"}"#
            #expect(try node.ask("POST", "/tokens/revoke", bearer("a-key-for-tests"), body: body).status == 200)
            try eventually("it is known") { try node.ask("GET", "/channels/room%2F1", bearer(token)).status == 401 }
            let again = try BayeuxSpeaker(node, isSocket ? .bayeuxSocket : .bayeux)
            again.clientID = client.clientID
            let reply = try again.connect().last
            #expect(reply?.error == "401::Token expired" && reply?.reconnect == "handshake")
        }
    }

    @Test("users whose names only look the same are two")
    func lookalikes() async throws {
        let (composed, decomposed) = (try AccessToken.of("\u{e9}va"), try AccessToken.of("e\u{301}va"))
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(composed))
            let session = try #require(try socket.next("welcome")["session"] as? String)
            try socket.next("subscribed")
            try socket.send(#"{"type":"authenticate","id":1,"token":"\#(decomposed)"}"#)
            #expect(try socket.next("error").code == 403)
            socket.close()
            #expect(try node.ask("GET", "/poll?session=\(session)&wait=0", bearer(decomposed)).status == 401)
            #expect(try node.ask("GET", "/poll?session=\(session)&wait=0", bearer(composed)).status == 200)
        }
    }

    @Test(
        "a WebSocket that may do nothing before it shows who it is has its time for that, and others have no such limit"
    )
    func authenticateInTime() async throws {
        let token = try AccessToken.of("alice")
        let users = AccessRules([
            AccessRules.Rule(channels: AccessPattern("room/*")!, permissions: [.subscribe: .users])
        ])
        try await withRules {
            $0.rules = users
            $0.limits.authenticateMilliseconds = 4_000
        } _: { (node: TestNode) throws in
            let late = try node.webSocket()
            try late.next("welcome")
            let inTime = try node.webSocket()
            try inTime.next("welcome")
            try inTime.send(#"{"type":"authenticate","token":"\#(token)"}"#)
            try inTime.next("authenticated")
            let begun = monotonicMilliseconds
            #expect(try late.next("bye").code == 4_011)
            #expect(try late.nextClose().code == 4_011)
            #expect(monotonicMilliseconds - begun < 15_000)
            try inTime.send(#"{"type":"subscribe","channel":"room/1"}"#)
            try inTime.next("subscribed")
        }
        try await withRules {
            $0.limits.authenticateMilliseconds = 100
        } _: { (node: TestNode) throws in
            let stranger = try node.webSocket()
            try stranger.next("welcome")
            #expect(stranger.client.isSilent(for: 1))
        }
    }
}
