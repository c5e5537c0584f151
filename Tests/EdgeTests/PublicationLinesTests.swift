import Broker
import Edge
import Foundation
import Testing

@Suite("Publications by lines")
struct PublicationLinesTests {
    /// A body that is still being sent, and its answers.
    private final class Publisher {
        let client: TestClient
        let head: HTTPAnswer
        private var body: StreamBody
        private var lines: [String] = []

        init(_ node: TestNode, fields: [(String, String)] = []) throws {
            client = try node.connect()
            try client.sendRequest("POST", "/publish", [("Transfer-Encoding", "chunked")] + fields)
            let text = try client.readHead()
            head = HTTPAnswer(status: text.contains(" 200 ") ? 200 : 0, head: text, body: [])
            body = StreamBody(of: head)
        }

        var hasEndedWell: Bool { body.hasEndedWell }

        func send(_ text: String) throws {
            try client.send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
        }

        func end() throws { try client.send("0\r\n\r\n") }

        private func decode() throws {
            for piece in try body.takePieces(from: client) {
                lines += String(decoding: piece, as: UTF8.self).split(separator: "\n").map(String.init)
            }
        }

        /// The next answer, or `nil` at the end.
        func next() throws -> Message? {
            if lines.isEmpty {
                _ = try client.receive {
                    try decode()
                    return !lines.isEmpty || hasEndedWell
                }
            }
            return lines.isEmpty ? nil : try Message(lines.removeFirst())
        }

        func nextError() throws -> [String: Any]? { try next()?["error"] as? [String: Any] }
    }

    @Test("a line is published and answered while more come")
    func inTheMiddle() throws {
        try withNode { node in
            let reader = try node.eventStream("?channel=a&channel=b")
            try reader.begin(2)
            let publisher = try Publisher(node)
            #expect(publisher.head["Content-Type"] == "application/x-ndjson; charset=utf-8")
            #expect(publisher.head["Connection"] == nil)
            for number in 0..<50 {
                let channel = number % 2 == 0 ? "a" : "b"
                try publisher.send(#"{"channel":"\#(channel)","data":{"n":\#(number)},"id":\#(number)}"# + "\n")
                let answer = try #require(try publisher.next())
                #expect(answer.channel == channel && answer.id == number)
                let message = try reader.next().message
                #expect(message.position == answer.position && message.channel == channel)
            }
            try publisher.end()
            #expect(try publisher.next() == nil && publisher.hasEndedWell)
            // The connection goes on.
            #expect(try publisher.client.ask("GET", "/channels/a").status == 200)
        }
    }

    /// How what a publisher has shown ends.
    enum Ending: CaseIterable {
        case tokenExpires
        case tokenIsRevoked
        case keyIsTakenAway
    }

    @Test("a body that is still being sent ends with what its publisher showed", arguments: Ending.allCases)
    func endedRights(ending: Ending) async throws {
        let expires = ending == .tokenExpires ? 6.0 : 3_600
        let token = try AccessToken.make(
            ["sub": "alice", "aud": "push", "jti": "t", "exp": Date.now.timeIntervalSince1970 + expires]
        )
        let shown = [("Authorization", "Bearer \(ending == .keyIsTakenAway ? "a-key-for-tests" : token)")]
        var configuration = EdgeConfiguration()
        configuration.rules = AccessRules([
            AccessRules.Rule(channels: AccessPattern("room/*")!, permissions: [.publish: .users, .subscribe: .users])
        ])
        configuration.apiKeys = ["another-key"].map(APIKey.init(secret:))
        try await withRules { (node: TestNode) throws in
            let publisher = try Publisher(node, fields: shown)
            let line = #"{"channel":"room/1","data":1,"id":7}"# + "\n"
            try publisher.send(line)
            #expect(try publisher.next()?.position != nil)
            switch ending {
            case .tokenExpires: break
            case .tokenIsRevoked:
                let operations = [("Authorization", "Bearer a-key-for-tests")]
                let body = #"{"token":"\#(token)"}"#
                #expect(try node.ask("POST", "/tokens/revoke", operations, body: body).status == 200)
            case .keyIsTakenAway: node.node.change(to: configuration)
            }
            try eventually("it is over") {
                [401, 403].contains(try node.ask("GET", "/poll?channel=room/1&wait=0", shown).status)
            }
            // All of them in one piece, and the last without its end: none is published.
            try publisher.send(line + line + String(line.dropLast()))
            #expect(try publisher.nextError()?["code"] as? Int == 401)
            #expect(try publisher.next() == nil && publisher.client.ends())
        }
    }

    @Test("a body goes by what its key allows now")
    func changedKey() async throws {
        var configuration = EdgeConfiguration()
        configuration.apiKeys = [
            APIKey(
                name: "narrow",
                hash: SecretHash(of: "a-key-for-tests"),
                scopes: [.publish],
                channels: [AccessPattern("room/*")!]
            )
        ]
        configuration.rules = AccessRules([AccessRules.Rule(channels: AccessPattern("**")!, permissions: [:])])
        try await withRules { (node: TestNode) throws in
            let key = [("Authorization", "Bearer a-key-for-tests")]
            let publisher = try Publisher(node, fields: key)
            for channel in ["room/1", "other"] {
                try publisher.send("{\"channel\":\"\(channel)\",\"data\":1}\n")
                #expect(try publisher.next()?.position != nil)
            }
            node.node.change(to: configuration)
            try eventually("it is known") {
                try node.ask("POST", "/channels/other", key, body: "x").status == 403
            }
            try publisher.send("{\"channel\":\"other\",\"data\":1}\n{\"channel\":\"room/1\",\"data\":1}\n")
            #expect(try publisher.nextError()?["code"] as? Int == 403)
            #expect(try publisher.next()?.position != nil)
        }
    }

    @Test("a line may come in any pieces, several in one, the last without its end")
    func pieces() throws {
        try withNode { node in
            let publisher = try Publisher(node)
            let text =
                "{\"channel\":\"a\",\"data\":1}\n\r\n  \n{\"channel\":\"a\",\"data\":\"ü\"}\r\n{\"channel\":\"a\",\"data64\":\"/w==\"}"
            for byte in text.utf8 { try publisher.client.send([UInt8]("1\r\n".utf8) + [byte] + [13, 10]) }
            try publisher.end()
            for _ in 0..<3 { #expect(try publisher.next()?.position != nil) }
            #expect(try publisher.next() == nil)
            let history = try node.ask("GET", "/channels/a/history").text
            #expect(history.contains(#""data":1"#) && history.contains(#""data":"ü""#))
            #expect(history.contains(#""data64":"/w==""#))
        }
    }

    @Test("a bad line is answered with its own error, in its place, and the rest go on")
    func errors() throws {
        try withNode { node in
            let publisher = try Publisher(node)
            let long = String(repeating: "x", count: 200_000)
            try publisher.send(
                """
                {"channel":"a","data":1,"id":"first"}
                nonsense
                {"data":1}
                {"channel":"a"}
                {"channel":"a//b","data":1,"id":5}
                {"channel":"$sys","data":1}
                {"channel":"a","data":1,"data64":"eA=="}
                {"channel":"a","data64":"not base64"}
                {"channel":"a","data":"\(long)"}
                {"channel":"a","data":2,"id":"last"}

                """
            )
            try publisher.end()
            let first = try #require(try publisher.next())
            #expect(first["id"] as? String == "first" && first.position != nil)
            let wrong: [(code: Int, field: String?)] = [
                (400, nil), (400, "channel"), (400, "data"), (400, "channel"), (403, "channel"), (400, "data64"),
                (400, "data64"), (413, nil),
            ]
            for (number, expected) in wrong.enumerated() {
                let answer = try #require(try publisher.next())
                let error = try #require(answer["error"] as? [String: Any])
                #expect(error["code"] as? Int == expected.code && error["field"] as? String == expected.field)
                if number == 3 { #expect(answer.id == 5) }
            }
            #expect(try publisher.next()?["id"] as? String == "last")
            #expect(try publisher.next() == nil && publisher.hasEndedWell)
            let history = try node.ask("GET", "/channels/a/history").json
            #expect((history["publications"] as? [Any])?.count == 2)
        }
    }

    @Test("once makes repeating safe")
    func once() throws {
        try withNode { node in
            let publisher = try Publisher(node)
            for _ in 0..<3 { try publisher.send(#"{"channel":"a","data":1,"once":"k"}"# + "\n") }
            try publisher.end()
            let positions = try (0..<3).map { _ in try publisher.next()?.position }
            #expect(Set(positions).count == 1 && positions[0] != nil)
        }
    }

    @Test("a body of a known length, with an expectation, and without a line")
    func counted() throws {
        try withNode { node in
            let lines = "{\"channel\":\"a\",\"data\":1}\n{\"channel\":\"a\",\"data\":2}"
            let client = try node.connect()
            let length = ("Content-Length", "\(lines.utf8.count)")
            try client.sendRequest("POST", "/publish", [length, ("Expect", "100-continue")])
            #expect(try client.readHead().hasPrefix("HTTP/1.1 100 "))
            // What came behind it would be taken for the answer, and no body sent: curl through a proxy.
            #expect(client.isSilent(for: 0.2))
            try client.send(lines)
            var body = StreamBody(of: HTTPAnswer(status: 200, head: try client.readHead(), body: []))
            var text = ""
            _ = try client.receive {
                for piece in try body.takePieces(from: client) { text += String(decoding: piece, as: UTF8.self) }
                return body.hasEndedWell
            }
            #expect(text.split(separator: "\n").count == 2)
            try client.sendRequest("POST", "/publish", [("Content-Length", "0")])
            #expect(try client.readHead().hasPrefix("HTTP/1.1 200 "))
            #expect(try client.receive { client.buffer.starts(with: "0\r\n\r\n".utf8) })
        }
    }

    @Test("a body may be longer than a message: its lines have the limit")
    func long() throws {
        try withNode {
            $0.limits.historyCountMax = 10_000
        } _: { node in
            let line = "{\"channel\":\"a\",\"data\":\"\(String(repeating: "x", count: 10_000))\"}\n"
            let client = try node.connect()
            let count = 100
            try client.sendRequest("POST", "/publish", [("Content-Length", "\(count * line.utf8.count)")])
            var body = StreamBody(of: HTTPAnswer(status: 200, head: try client.readHead(), body: []))
            for _ in 0..<count { try client.send(line) }
            var text = ""
            _ = try client.receive {
                for piece in try body.takePieces(from: client) { text += String(decoding: piece, as: UTF8.self) }
                return body.hasEndedWell
            }
            #expect(text.split(separator: "\n").count { $0.contains("position") } == count)
        }
    }

    @Test("a publisher whose connection ends with its body is read on once it was paused")
    func pausedAndLast() throws {
        try withNode {
            $0.limits.commandsUnderWayMax = 1
        } _: { node in
            let client = try node.connect()
            let line = "{\"channel\":\"a\",\"data\":\"\(String(repeating: "x", count: 1_000))\"}\n"
            let lines = Array(String(repeating: line, count: 500).utf8)
            try client.sendRequest("POST", "/publish", [("Connection", "close"), ("Content-Length", "\(lines.count)")])
            let head = HTTPAnswer(status: 200, head: try client.readHead(), body: [])
            #expect(head["Connection"] == "close")
            try client.send(lines)
            #expect(client.ends() && !client.isReset)
            #expect(String(decoding: client.takeAll(), as: UTF8.self).components(separatedBy: "position").count == 501)
        }
    }

    @Test("who may not publish is told so, and nothing of the body is taken")
    func refused() throws {
        try withNode {
            $0.apiKeys = ["secret"].map(APIKey.init(secret:))
        } _: { node in
            let client = try node.connect()
            try client.sendRequest("POST", "/publish", [("Transfer-Encoding", "chunked")])
            let answer = try client.readAnswer()
            #expect(answer.status == 401 && answer["Connection"] == "close")
            #expect(client.ends())
            let publisher = try Publisher(node, fields: [("Authorization", "Bearer secret")])
            try publisher.send("{\"channel\":\"a\",\"data\":1}\n")
            #expect(try publisher.next()?.position != nil)
            #expect(try node.ask("GET", "/publish")["Allow"] == "POST, OPTIONS")
        }
    }

    @Test("who does not read the answers is not read any more, and loses nothing")
    func backPressure() throws {
        try withNode {
            $0.limits.historyCountMax = 100_000
        } _: { node in
            let client = try node.connect(receiveBytes: 4_096)
            try client.sendRequest("POST", "/publish", [("Transfer-Encoding", "chunked")])
            let id = String(repeating: "i", count: 100)
            let batch = String(repeating: "{\"channel\":\"a\",\"data\":1,\"id\":\"\(id)\"}\n", count: 100)
            let chunk = Array("\(String(batch.utf8.count, radix: 16))\r\n\(batch)\r\n".utf8)
            var sent = 0
            // Until the node takes no more.
            while sent < 2_000, (try? client.send(chunk, within: 1)) != nil { sent += 1 }
            #expect(sent < 2_000, "nothing held the publisher back")
            let published = node.metrics.publishes.value
            #expect(published < 100 * (sent + 1))
            // Its answers are read, and it goes on.
            #expect(try client.receive { node.metrics.publishes.value > published + 1_000 || client.isEnded })
            #expect(!client.isEnded && !client.isReset)
        }
    }

    @Test("a node that goes away answers what it took, says why, and ends the answer in order")
    func drain() throws {
        try withNode {
            $0.limits.drainMilliseconds = 5_000
        } _: { node in
            let publisher = try Publisher(node)
            try publisher.send("{\"channel\":\"a\",\"data\":1}\n{\"channel\":")
            #expect(try publisher.next()?.position != nil)
            let ending = Thread { [node = node.node] in node.stop() }
            ending.start()
            #expect(try publisher.nextError()?["code"] as? Int == 503)
            #expect(try publisher.next() == nil && publisher.hasEndedWell)
            try eventually("it is stopped") { ending.isFinished }
        }
    }

    @Test("a publisher that waits between its lines holds no memory, however long its last one was")
    func idle() throws {
        try withNode {
            $0.limits.commandsUnderWayMax = 1
        } _: { node in
            let line = "{\"channel\":\"a\",\"data\":\"\(String(repeating: "x", count: 30_000))\"}\n"
            let publishers = try (0..<20).map { _ in try Publisher(node) }
            for publisher in publishers {
                for _ in 0..<4 { try publisher.send(line) }
                for _ in 0..<4 { #expect(try publisher.next()?.position != nil) }
            }
            try publishers[0].send("{\"channel\":\"a\",")
            // What is counted is up to a second old, and other lines may have been under way then.
            try eventually("a line that is begun is counted, and nothing else is") {
                (1...1_024).contains(node.metrics.heldInputBytes.value)
            }
            try publishers[0].send("\"data\":1}\n")
            #expect(try publishers[0].next()?.position != nil)
            try eventually("and no longer once it is whole") { node.metrics.heldInputBytes.value == 0 }
        }
    }

    @Test("a chunk that is none ends it, behind the answers to what came before")
    func malformed() throws {
        try withNode { node in
            let publisher = try Publisher(node)
            try publisher.send("{\"channel\":\"a\",\"data\":1}\n")
            #expect(try publisher.next()?.position != nil)
            try publisher.client.send("zz\r\n")
            #expect(try publisher.nextError()?["code"] as? Int == 400)
            #expect(try publisher.next() == nil && publisher.hasEndedWell)
            #expect(publisher.client.ends())
        }
    }

    @Test("where nothing comes for long an empty line is sent, and the connection stays")
    func heartbeat() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 1_500
            configuration.limits.requestMilliseconds = 1_500
            configuration.limits.keepAliveMilliseconds = 1_500
        } _: { node in
            let publisher = try Publisher(node)
            #expect(try publisher.client.receive { publisher.client.buffer.starts(with: "1\r\n\n\r\n".utf8) })
            usleep(4_500_000)
            try publisher.send("{\"channel\":\"a\",\"data\":1}\n")
            #expect(try publisher.next()?.position != nil)
        }
    }
}
