import Broker
import Edge
import Foundation
import Hub
import Testing

/// Requests and answers on one connection: framing, order and ends.
@Suite("HTTP connections")
struct HTTPTests {
    @Test("a connection is kept for many requests")
    func keepsAlive() throws {
        try withNode { node in
            let client = try node.connect()
            for _ in 0..<5 {
                let answer = try client.ask("GET", "/healthz")
                #expect(answer.status == 200)
                #expect(answer["Connection"] == nil)
                #expect(answer.text == #"{"status":"alive"}"#)
            }
            try eventually("it is counted") { node.metrics.accepted.value == 1 }
            try eventually("it is counted") { node.metrics.requests.value == 5 }
        }
    }

    @Test("pipelined requests are answered in order, also while a publish is under way", arguments: [true, false])
    func pipelines(hasUplinkThread: Bool) throws {
        try withNode(hasUplinkThread: hasUplinkThread) { node in
            let client = try node.connect()
            var bytes: [UInt8] = []
            for number in 0..<40 {
                let body = Array("\(number)".utf8)
                bytes += TestClient.request("POST", "/channels/a", body: body, port: node.port)
                bytes += TestClient.request("GET", "/healthz", port: node.port)
                bytes += TestClient.request("GET", "/channels/c\(number)", port: node.port)
            }
            try client.send(bytes)
            var last = ""
            for number in 0..<40 {
                let published = try client.readAnswer()
                #expect(published.status == 200)
                #expect(try published.position != last)
                last = try published.position
                #expect(try client.readAnswer().text == #"{"status":"alive"}"#)
                #expect(try client.readAnswer().json["channel"] as? String == "c\(number)")
            }
            let history = try node.ask("GET", "/channels/a/history").json["publications"] as? [[String: Any]]
            #expect(history?.compactMap { $0["data"] as? String } == (0..<40).map(String.init))
        }
    }

    @Test("requests cut at every place are understood")
    func cutsAnywhere() throws {
        try withNode { node in
            let client = try node.connect()
            let request = TestClient.request("POST", "/channels/a", body: Array("hello".utf8), port: node.port)
            let pair = request + request
            for cut in stride(from: 1, to: pair.count, by: 3) {
                try client.send(Array(pair[..<cut]))
                try client.send(Array(pair[cut...]))
                #expect(try client.readAnswer().status == 200)
                #expect(try client.readAnswer().status == 200)
            }
        }
    }

    @Test("a body with a length, byte by byte")
    func lengthByteByByte() throws {
        try withNode { node in
            let client = try node.connect()
            try client.sendSlowly(
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\nhello world"
            )
            #expect(try client.readAnswer().status == 200)
            #expect(node.metrics.requests.value == 1, "the head is read once, and not with each byte of the body")
            let history = try client.ask("GET", "/channels/a/history").text
            #expect(history.contains(#""data":"hello world""#))
        }
    }

    @Test("a body in chunks, byte by byte, and the next request right behind it")
    func chunksByteByByte() throws {
        try withNode { node in
            let client = try node.connect()
            try client.sendSlowly(
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: t\r\n\r\n"
                    + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            #expect(try client.readAnswer().status == 200)
            #expect(try client.readAnswer().text.contains("alive"))
            try eventually("it is counted") { node.metrics.requests.value == 2 }
            #expect(try client.ask("GET", "/channels/a/history").text.contains(#""data":"hello world""#))
        }
    }

    @Test("a chunked body in one write with what follows")
    func chunksAtOnce() throws {
        try withNode { node in
            let client = try node.connect()
            let chunked =
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            try client.send(chunked + chunked + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try client.readAnswer().status == 200)
            #expect(try client.readAnswer().status == 200)
            #expect(try client.readAnswer().text.contains("alive"))
        }
    }

    @Test("a client that waits for 100 Continue gets it once, before its body")
    func continues() throws {
        try withNode { node in
            let client = try node.connect()
            for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
                try client.send(
                    "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\(framing)\r\n\r\n"
                )
                #expect(try client.readAnswer().status == 100)
                try client.sendSlowly(framing.hasPrefix("T") ? "5\r\nhello\r\n0\r\n\r\n" : "hello")
                #expect(try client.readAnswer().status == 200)
            }
        }
    }

    @Test("a body that is too long is refused instead of being waited for")
    func continueNotGiven() throws {
        try withNode { node in
            let client = try node.connect()
            try client.send(
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"
            )
            #expect(try client.readAnswer().status == 413)
            #expect(client.ends())
        }
    }

    @Test("HEAD tells the length of GET's body and sends none")
    func heads() throws {
        try withNode { node in
            let client = try node.connect()
            for target in ["/healthz", "/readyz", "/demo", "/channels/a", "/channels/a/history", "/nothing"] {
                let head = try client.ask("HEAD", target)
                let full = try client.ask("GET", target)
                #expect(head.status == full.status, "\(target)")
                #expect(head["Content-Length"] == full["Content-Length"], "\(target)")
                #expect(head["Content-Type"] == full["Content-Type"], "\(target)")
            }
            let metrics = try client.ask("HEAD", "/metrics")
            #expect(metrics.status == 200)
            #expect(client.buffer.isEmpty)
        }
    }

    @Test("HTTP/1.0 is closed after its answer unless it asks otherwise")
    func oldVersion() throws {
        try withNode { node in
            let once = try node.connect()
            try once.send("GET /healthz HTTP/1.0\r\n\r\n")
            let answer = try once.readAnswer()
            #expect(answer.status == 200)
            #expect(answer["Connection"] == "close")
            #expect(once.ends() && !once.isReset)

            let kept = try node.connect()
            for _ in 0..<2 {
                try kept.send("POST /channels/a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx")
                let answer = try kept.readAnswer()
                #expect(answer.status == 200)
                #expect(answer["Connection"] == "keep-alive")
            }
        }
    }

    @Test("Connection: close ends the connection after the answer, and what follows is not read")
    func closes() throws {
        try withNode { node in
            let client = try node.connect()
            try client.send(
                TestClient.request("POST", "/channels/a", [("Connection", "close")], body: [65], port: node.port)
                    + TestClient.request("POST", "/channels/a", body: [66], port: node.port)
            )
            let answer = try client.readAnswer()
            #expect(answer.status == 200)
            #expect(answer["Connection"] == "close")
            #expect(client.ends() && !client.isReset)
            #expect(client.buffer.isEmpty)
            #expect(!(try node.ask("GET", "/channels/a/history").text.contains(#""B""#)))
        }
    }

    @Test("a client that ended its direction gets all of its answers, then the end", arguments: [1, 4])
    func halfCloses(count: Int) throws {
        try withNode { node in
            let client = try node.connect()
            var bytes: [UInt8] = []
            for _ in 0..<count {
                bytes += TestClient.request("POST", "/channels/a", body: Array("x".utf8), port: node.port)
                bytes += TestClient.request("GET", "/channels/a", port: node.port)
            }
            try client.send(bytes)
            client.endSending()
            for _ in 0..<2 * count { #expect(try client.readAnswer().status == 200) }
            #expect(client.ends(within: 30))
            #expect(!client.isReset)
        }
    }

    @Test("a half-closed client that reads slowly gets a large answer to its end")
    func halfClosesSlowly() throws {
        try withNode { configuration in
            configuration.limits.historyBytesMax = 10_000_000
        } _: { node in
            try node.publish("big", (0..<60).map { _ in [UInt8](repeating: 97, count: 10_000) })
            let client = try node.connect(receiveBytes: 8_192)
            try client.sendRequest("GET", "/channels/big/history")
            client.endSending()
            try eventually("the answer fills the socket") { node.metrics.hub.laggards.value == 1 }
            let answer = try client.readAnswer()
            #expect(answer.body.count > 600_000)
            #expect(client.ends(within: 30))
            #expect(!client.isReset)
        }
    }

    @Test("who takes a last answer slowly gets all of it, and who takes nothing of it is not waited for")
    func readsLastAnswerSlowly() throws {
        try withNode { configuration in
            configuration.limits.historyBytesMax = 10_000_000
        } _: { node in
            try node.publish("big", (0..<60).map { _ in [UInt8](repeating: 97, count: 10_000) })
            let (slow, silent) = (try node.connect(receiveBytes: 8_192), try node.connect(receiveBytes: 8_192))
            for client in [slow, silent] {
                try client.sendRequest("GET", "/channels/big/history", [("Connection", "close")])
            }
            // Longer than twice the time that a connection has to end in.
            for _ in 0..<115 {
                slow.receiveNow(upTo: 4_096)
                usleep(100_000)
            }
            let answer = try slow.readAnswer()
            #expect(answer.body.count > 600_000)
            #expect(slow.ends() && !slow.isReset)
            try eventually("the other one is gone") { node.metrics.httpConnections.value <= 1 }
            #expect(silent.ends() && silent.isReset)
        }
    }

    @Test("half a request and an end of stream close the connection")
    func halfARequest() throws {
        try withNode { node in
            let client = try node.connect()
            try client.send("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Le")
            client.endSending()
            #expect(client.ends(within: 30))
            try eventually("the connection is gone") { node.metrics.httpConnections.value == 0 }
        }
    }

    @Test("an answer larger than what may wait for a client arrives whole")
    func largeAnswer() throws {
        try withNode { configuration in
            configuration.limits.outboxBytesMax = 65_536
            configuration.limits.historyBytesMax = 10_000_000
        } _: { node in
            try node.publish("big", (0..<100).map { _ in [UInt8](repeating: 98, count: 30_000) })
            let client = try node.connect(receiveBytes: 8_192)
            let answer = try client.ask("GET", "/channels/big/history")
            #expect(answer.status == 200)
            #expect((try answer.json["publications"] as? [Any])?.count == 100)
        }
    }

    @Test("pipelined requests wait until a slow reader took the answers before them")
    func pipelinesSlowly() throws {
        try withNode { configuration in
            configuration.limits.outboxBytesMax = 65_536
        } _: { node in
            try node.publish("big", (0..<20).map { _ in [UInt8](repeating: 99, count: 10_000) })
            let client = try node.connect(receiveBytes: 8_192)
            var bytes: [UInt8] = []
            for number in 0..<30 {
                let target = number % 3 == 2 ? "/metrics" : "/channels/big/history"
                bytes += TestClient.request("GET", target, port: node.port)
            }
            try client.send(bytes)
            client.endSending()
            try eventually("the answers fill the socket") { node.metrics.hub.laggards.value == 1 }
            #expect(node.metrics.requests.value < 45)
            for number in 0..<30 {
                let answer = try client.readAnswer()
                #expect(answer.status == 200)
                #expect((answer.body.count > 200_000) == (number % 3 != 2))
            }
            #expect(client.ends(within: 30))
            #expect(!client.isReset)
            #expect(node.metrics.hub.disconnects.value == 0)
        }
    }
}

/// What is refused, and that the answer names what was wrong.
@Suite("HTTP refusals")
struct HTTPRefusalTests {
    @Test(
        "a request that breaks the grammar gets 400 with the field and is closed",
        arguments: [
            ("GET /healthz HTTP/1.1\r\n\r\n", "Host"),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "Host"),
            ("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1x\r\n\r\n", "Content-Length"),
            (
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "Transfer-Encoding"
            ),
            ("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "body"),
            ("GET /healthz HTTP/1.1\nHost: x\n\n", "head"),
        ]
    )
    func grammar(request: String, field: String) throws {
        try withNode { node in
            let client = try node.connect()
            try client.send(request)
            let answer = try client.readAnswer()
            #expect(answer.status == 400)
            #expect(answer.errorField == field)
            #expect(answer["Connection"] == "close")
            #expect(client.ends() && !client.isReset)
            try eventually("it is counted") { node.metrics.rejections.value == 1 }
        }
    }

    @Test(
        "a parameter that is wrong gets 400 with its name, and the connection goes on",
        arguments: [
            ("/sse", "channel"),
            ("/sse?channel=", "channel"),
            ("/sse?channel=a%2F%2Fb", "channel"),
            ("/sse?channel=%FF", "channel"),
            ("/sse?channel=a&format=xml", "format"),
            ("/sse?channel=a&cursor=nonsense", "cursor"),
            ("/channels/a/history?since=yesterday", "since"),
            ("/channels/a/history?limit=0", "limit"),
            ("/channels/a/history?limit=many", "limit"),
            ("/channels/a//b", "channel"),
            ("/channels/%00", "target"),
            ("/channels//", "channel"),
        ]
    )
    func parameters(target: String, field: String) throws {
        try withNode { node in
            let answer = try node.ask("GET", target)
            #expect(answer.status == 400)
            #expect(answer.errorField == field)
        }
    }

    @Test("what is not there is 404")
    func notFound() throws {
        try withNode { node in
            let client = try node.connect()
            for target in ["/nothing", "/channel", "/ws2", "/healthz/x"] {
                #expect(try client.ask("GET", target).status == 404, "\(target)")
            }
            #expect(try client.ask("GET", "/channels/a/presence").status == 404)
            #expect(try client.ask("POST", "/nothing", body: "x").status == 404)
        }
    }

    @Test(
        "a method that does not fit is 405 with those that would",
        arguments: [
            ("PATCH", "/channels/a", "GET, HEAD, POST, DELETE, OPTIONS"),
            ("PUT", "/channels/a", "GET, HEAD, POST, DELETE, OPTIONS"),
            ("DELETE", "/channels/a/history", "GET, HEAD, OPTIONS"),
            ("POST", "/channels/a/history", "GET, HEAD, OPTIONS"),
            ("POST", "/healthz", "GET, HEAD, OPTIONS"),
            ("POST", "/sse?channel=a", "GET, HEAD, OPTIONS"),
            ("POST", "/ws", "GET, HEAD, OPTIONS"),
            ("BREW", "/metrics", "GET, HEAD, OPTIONS"),
        ]
    )
    func wrongMethod(method: String, target: String, allowed: String) throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask(method, target, body: "x")
            #expect(answer.status == 405)
            #expect(answer["Allow"] == allowed)
            #expect(try client.ask("GET", "/healthz").status == 200)
        }
    }

    @Test("a body over the limit is 413, a target over it 414, a head over it 431")
    func tooLarge() throws {
        try withNode { configuration in
            configuration.limits.messageBytesMax = 1_000
            configuration.limits.requestTargetBytesMax = 500
            configuration.limits.requestHeadBytesMax = 2_000
        } _: { node in
            #expect(try node.ask("POST", "/channels/a", body: String(repeating: "x", count: 1_000)).status == 200)
            #expect(try node.ask("POST", "/channels/a", body: String(repeating: "x", count: 1_001)).status == 413)
            #expect(try node.ask("GET", "/" + String(repeating: "x", count: 1_000)).status == 414)
            let field = ("X", String(repeating: "x", count: 2_000))
            #expect(try node.ask("GET", "/healthz", [field]).status == 431)
            let chunked = try node.connect()
            try chunked.send("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            try chunked.send("1f4\r\n" + String(repeating: "x", count: 500) + "\r\n1f5\r\n")
            #expect(try chunked.readAnswer().status == 413)
        }
    }

    @Test("a client that is refused while it still sends can read why")
    func refusedWhileSending() throws {
        try withNode { node in
            let client = try node.connect()
            try client.send("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
            try client.send([UInt8](repeating: 120, count: 500_000))
            #expect(try client.readAnswer().status == 413)
            #expect(client.ends() && !client.isReset)
        }
    }

    @Test("a head or a body that comes too slowly is 408")
    func tooSlow() throws {
        try withNode { configuration in
            configuration.limits.requestMilliseconds = 500
        } _: { node in
            let head = try node.connect()
            let body = try node.connect()
            try head.send("GET /healthz HTTP/1.1\r\nHo")
            try body.send("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
            for client in [head, body] {
                let answer = try client.readAnswer()
                #expect(answer.status == 408)
                #expect(answer["Connection"] == "close")
                #expect(client.ends())
            }
            try eventually("it is counted") { node.metrics.timeouts.value == 2 }
        }
    }

    @Test("a slow second request is 408 too, and an idle connection is closed without a word")
    func idleConnection() throws {
        try withNode { configuration in
            configuration.limits.requestMilliseconds = 2_000
            configuration.limits.keepAliveMilliseconds = 5_000
        } _: { node in
            let client = try node.connect()
            let idle = try node.connect()
            #expect(try client.ask("GET", "/healthz").status == 200)
            #expect(try idle.ask("GET", "/healthz").status == 200)
            try client.send("GET /healthz HTTP/1.1\r\nHo")
            #expect(try client.readAnswer().status == 408)
            #expect(idle.ends() && idle.buffer.isEmpty)
        }
    }

    @Test("a connection is idle behind a chunked request that came in one piece and was answered at once")
    func idleBehindChunks() throws {
        try withNode { configuration in
            configuration.limits.requestMilliseconds = 250
            configuration.limits.heartbeatMilliseconds = 250
        } _: { node in
            let client = try node.connect()
            try client.send(
                "POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
            )
            #expect(try client.readAnswer().status == 404)
            #expect(client.isSilent(for: 2), "nobody asked anything")
            #expect(try client.ask("GET", "/healthz").status == 200)
        }
    }

    @Test("connections over the limit are closed at once")
    func tooManyConnections() throws {
        try withNode { configuration in
            configuration.limits.connectionsPerAddressMax = 2
        } _: { node in
            let first = try node.connect()
            let second = try node.connect()
            #expect(try first.ask("GET", "/healthz").status == 200)
            #expect(try second.ask("GET", "/healthz").status == 200)
            #expect(try node.connect().ends())
            first.close()
            try eventually("room again") { node.metrics.httpConnections.value == 1 }
            #expect(try node.ask("GET", "/healthz").status == 200)
            try eventually("it is counted") { node.metrics.refused.value == 1 }
        }
    }
}
