import Broker
import Foundation
import Testing

@testable import Edge

@Suite("Rates")
struct RateTests {
    @Test("an address that asks too often is told when to ask again, and may then")
    func requests() throws {
        try withNode {
            $0.limits.addressRequestsPerSecondMax = 2
            $0.limits.burstMilliseconds = 2_000
        } _: { node in
            let client = try node.connect()
            var answers: [HTTPAnswer] = []
            for _ in 0..<8 { answers.append(try client.ask("GET", "/channels/a")) }
            let refused = answers.filter { $0.status == 429 }
            #expect(answers.prefix(4).allSatisfy { $0.status == 200 } && !refused.isEmpty)
            #expect(refused.allSatisfy { $0["Retry-After"] == "1" && $0["Connection"] != "close" })
            try eventually("it may ask again") { try client.ask("GET", "/channels/a").status == 200 }
            #expect(node.metrics.overLimit(.request, of: .address).value >= refused.count)
        }
    }

    @Test("publications are counted in every way they come: by request, command, line and message of Bayeux")
    func publishes() throws {
        try withNode {
            $0.limits.addressPublishesPerSecondMax = 1
            $0.limits.burstMilliseconds = 3_600_000
        } _: { node in
            try node.publish("a", [[UInt8]](repeating: [0x78], count: 3_596))
            let socket = try node.webSocket("?channel=b")
            try socket.next("welcome")
            try socket.next("subscribed")
            for id in 1...9 { try socket.send(#"{"type":"publish","id":\#(id),"channel":"b","data":\#(id)}"#) }
            var texts: [String] = []
            while texts.last?.contains("\"id\":9,") != true {
                guard case .text(let text)? = try socket.nextFrame() else { break }
                texts.append(text)
            }
            #expect(texts.last?.contains("\"type\":\"error\",\"id\":9,\"code\":429") == true, "\(texts)")
            #expect(texts.last?.contains("\"retry\":") == true)
            let request = try node.ask("POST", "/channels/a", body: "x")
            #expect(request.status == 429 && request["Retry-After"] != nil)
            let publisher = try node.connect()
            let line = Array("{\"channel\":\"a\",\"data\":1,\"id\":7}\n".utf8)
            try publisher.sendRequest(
                "POST",
                "/publish",
                [("Connection", "close"), ("Content-Length", "\(line.count)")]
            )
            try publisher.send(line)
            #expect(publisher.ends())
            let answers = String(decoding: publisher.takeAll(), as: UTF8.self)
            #expect(answers.contains("\"code\":429") && answers.contains("\"retry\":"), "\(answers)")
            #expect(answers.contains("\"id\":7"))
            let client = try BayeuxClient(ready: node)
            let reply = try client.ask(["channel": "/a", "data": 1])[0]
            #expect((reply["error"] as? String)?.hasPrefix("429:") == true, "\(reply)")
        }
    }

    @Test(
        "bytes of publications are counted, and one that is larger than what may be saved up is taken by who has saved up all"
    )
    func bytes() throws {
        try withNode {
            $0.limits.addressPublishBytesPerSecondMax = 10
            $0.limits.burstMilliseconds = 1_000
        } _: { node in
            let body = String(repeating: "x", count: 5_000)
            #expect(try node.ask("POST", "/channels/a", body: body).status == 200)
            let refused = try node.ask("POST", "/channels/a", body: "x")
            #expect(refused.status == 429)
            #expect(try #require(refused["Retry-After"].flatMap { Int($0) }) > 400)
            #expect(node.metrics.overLimit(.publishBytes, of: .address).value == 1)
        }
    }

    @Test("channels are counted that are read: by request and by command")
    func subscribes() throws {
        try withNode {
            $0.limits.addressSubscribesPerSecondMax = 1
            $0.limits.burstMilliseconds = 5_000
        } _: { node in
            let socket = try node.webSocket("?channel=a&channel=b&channel=c")
            for channel in ["d", "e", "f", "g"] {
                try socket.send(#"{"type":"subscribe","id":1,"channel":"\#(channel)"}"#)
            }
            // A welcome, and of three channels and four, two of which at least are too many.
            var texts: [String] = []
            for _ in 0..<8 { if case .text(let text)? = try socket.nextFrame() { texts.append(text) } }
            let errors = texts.filter { $0.contains("\"code\":429") && $0.contains("\"retry\":") }
            #expect(
                (1...2).contains(errors.count) && texts.count { $0.contains("\"subscribed\"") } == 7 - errors.count,
                "\(texts)"
            )
            #expect(try node.ask("GET", "/sse?channel=a&channel=b&channel=c&channel=d").status == 429)
        }
    }

    @Test("connections that come too fast are closed at once")
    func connects() throws {
        try withNode {
            $0.limits.addressConnectsPerSecondMax = 1
            $0.limits.burstMilliseconds = 10_000
        } _: { node in
            var served = 0
            for _ in 0..<20 {
                let client = try node.connect()
                if (try? client.ask("GET", "/healthz").status) == 200 { served += 1 }
                client.close()
            }
            #expect((10...19).contains(served))
            #expect(node.metrics.refused.value == 20 - served)
            #expect(node.metrics.overLimit(.connect, of: .address).value == 20 - served)
        }
    }

    @Test("users and keys have limits of their own, whatever their addresses")
    func users() async throws {
        try await withRules {
            $0.limits.userRequestsPerSecondMax = 1
            $0.limits.burstMilliseconds = 600_000
        } _: { node in
            func statuses(_ user: String, _ count: Int) throws -> [Int] {
                let token = try AccessToken.of(user)
                let client = try node.connect()
                return try (0..<count).map { _ in
                    try client.ask("GET", "/channels/a", [("Authorization", "Bearer \(token)")]).status
                }
            }
            let greedy = try statuses("greedy", 640)
            #expect(greedy.prefix(600).allSatisfy { $0 != 429 } && greedy.last == 429)
            #expect(try statuses("modest", 3).allSatisfy { $0 != 429 })
            #expect(node.metrics.overLimit(.request, of: .user).value > 0)
        }
    }

    @Test("of an address that shows too many tokens that are none, no others are verified; who is known stays known")
    func tokens() async throws {
        try await withRules {
            $0.limits.addressTokensRefusedPerSecondMax = 1
            $0.limits.burstMilliseconds = 600_000
        } _: { node in
            let known = try AccessToken.of("known")
            let client = try node.connect()
            let path = "/channels/a/history"
            _ = try client.ask("GET", path, [("Authorization", "Bearer \(known)")])
            var last = 0
            for number in 0..<700 where last != 429 {
                let token = try AccessToken.make(["sub": "x\(number)"], secret: Array(repeating: 7, count: 32))
                let answer = try client.ask("GET", path, [("Authorization", "Bearer \(token)")])
                last = answer.status
                if number < 600 { #expect(last == 401) }
                if last == 429 { #expect(answer["Retry-After"] != nil) }
            }
            #expect(last == 429)
            let lookedAt = node.metrics.accessTokensLookedAt.value
            let stranger = try AccessToken.of("stranger")
            #expect(try client.ask("GET", path, [("Authorization", "Bearer \(stranger)")]).status == 429)
            #expect(node.metrics.accessTokensLookedAt.value == lookedAt)
            #expect(try client.ask("GET", path, [("Authorization", "Bearer \(known)")]).status != 429)
        }
    }

    @Test("what is refused costs less than what is served")
    func cost() throws {
        /// Microseconds of the reactor for each of so many publishes, and how many were refused.
        func measure(_ limit: Int) throws -> (Double, Int) {
            var result = (0.0, 0)
            try withNode {
                $0.limits.addressPublishesPerSecondMax = limit
                $0.limits.burstMilliseconds = 1
            } _: { node in
                let client = try node.connect()
                let body = Array(repeating: UInt8(ascii: "1"), count: 4_000)
                let request = TestClient.request(
                    "POST",
                    "/channels/a",
                    [("Content-Type", "application/json")],
                    body: body,
                    port: node.port
                )
                for _ in 0..<200 {
                    try client.send(Array(repeatElement(request, count: 10).joined()))
                    for _ in 0..<10 where try client.readAnswer().status == 429 { result.1 += 1 }
                }
                // As of the last second.
                try eventually("all turns are told of") {
                    let sum = node.metrics.turns.sumMicroseconds.value
                    usleep(1_300_000)
                    return node.metrics.turns.sumMicroseconds.value - sum < 20_000
                }
                result.0 = Double(node.metrics.turns.sumMicroseconds.value) / 2_000
            }
            return result
        }
        let served = try measure(0)
        let refused = try measure(1)
        print("served \(served.0) us each, refused \(refused.0) us each")
        #expect(served.1 == 0 && refused.1 > 1_900)
        #expect(refused.0 < served.0)
    }
}
