import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("Event streams")
struct EventStreamTests {
    @Test("a stream begins with the fields that keep proxies from holding it back")
    func head() throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=a")
            let head = stream.head
            #expect(head["Content-Type"] == "text/event-stream; charset=utf-8")
            #expect(head["Cache-Control"]?.contains("no-store") == true)
            #expect(head["Cache-Control"]?.contains("no-transform") == true)
            #expect(head["X-Accel-Buffering"] == "no")
            #expect(head["Connection"] == "close")
            #expect(head["Content-Length"] == nil && head["Transfer-Encoding"] == "chunked")
            #expect(head["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test("pages of listed sites can read a stream")
    func crossOrigin() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let listed = try node.eventStream("?channel=a", fields: [("Origin", "https://listed.example")])
            #expect(listed.head["Access-Control-Allow-Origin"] == "https://listed.example")
            #expect(listed.head["Vary"] == "Origin")
            let foreign = try node.eventStream("?channel=a", fields: [("Origin", "https://evil.example")])
            #expect(foreign.head["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test("HEAD gets the fields and the end")
    func headOnly() throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask("HEAD", "/sse?channel=a")
            #expect(answer.status == 200)
            #expect(answer["Content-Type"] == "text/event-stream; charset=utf-8")
            #expect(client.ends() && client.buffer.isEmpty)
            #expect(node.metrics.eventStreamConnections.value == 0)
        }
    }

    @Test("retry, welcome, subscribed with the cursor as id, then messages with theirs")
    func messages() throws {
        try withNode { node in
            let before = try node.publish("a", "before")
            let stream = try node.eventStream("?channel=a")
            let welcome = try stream.next("welcome").message
            #expect(welcome["node"] as? String == "n1")
            #expect((250...1_001).contains(stream.retryMilliseconds ?? 0))
            let event = try stream.next("subscribed")
            let subscribed = try event.message
            #expect(subscribed.channel == "a" && subscribed.position == before && subscribed.isRecovered == nil)
            #expect(event.id == "a@\(before)")
            let positions = try node.publish("a", (0..<100).map { Array("m\($0)".utf8) })
            for (number, position) in positions.enumerated() {
                let event = try stream.next()
                let message = try event.message
                #expect(message.type == "message" && message.data == "m\(number)" && message.position == position)
                #expect(event.id == "a@\(position)")
            }
        }
    }

    @Test("with several channels each id is the cursor of all, and resumes all")
    func severalChannels() throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=b%2Fc&channel=a&channel=b%2Fc")
            let subscribed = try stream.begin(2)
            #expect(subscribed.compactMap(\.channel) == ["a", "b/c"])
            let a = try node.publish("a", "a0")
            #expect(try stream.next().id == "a@\(a),b%2Fc@0-0")
            let b = try node.publish("b/c", "b0")
            let event = try stream.next()
            #expect(event.id == "a@\(a),b%2Fc@\(b)")
            stream.close()

            try node.publish("a", ["a1", "a2"].map { Array($0.utf8) })
            try node.publish("b/c", "b1")
            let resumed = try node.eventStream("?channel=a&channel=b%2Fc", fields: [("Last-Event-ID", event.id)])
            #expect(try resumed.begin(2).allSatisfy { $0.isRecovered == true })
            var data: [String] = []
            for _ in 0..<3 { data.append(try resumed.next().message.data ?? "") }
            #expect(data == ["a1", "a2", "b1"])
            let live = try node.publish("b/c", "b2")
            #expect(try resumed.next().id.hasSuffix("b%2Fc@\(live)"))
        }
    }

    @Test("Last-Event-ID resumes and counts more than the address, which also may have a cursor")
    func resumes() throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 5
        } _: { node in
            let positions = try node.publish("a", (0..<5).map { Array("\($0)".utf8) })
            let byField = try node.eventStream(
                "?channel=a&cursor=a@\(positions[0])",
                fields: [("Last-Event-ID", "a@\(positions[3])")]
            )
            #expect(try byField.begin()[0].isRecovered == true)
            #expect(try byField.next().message.data == "4")
            for name in ["cursor", "lastEventId"] {
                let byQuery = try node.eventStream("?channel=a&\(name)=a@\(positions[2])")
                #expect(try byQuery.begin()[0].isRecovered == true)
                #expect(try byQuery.next().message.data == "3")
                #expect(try byQuery.next().message.data == "4")
            }
            let nothingNew = try node.eventStream("?channel=a", fields: [("Last-Event-ID", "a@\(positions[4])")])
            #expect(try nothingNew.begin()[0].isRecovered == true)

            try node.publish("a", (5..<20).map { Array("\($0)".utf8) })
            let lost = try node.eventStream("?channel=a", fields: [("Last-Event-ID", "a@\(positions[0])")])
            #expect(try lost.begin()[0].isRecovered == false)
            let wrong = try node.ask("GET", "/sse?channel=a", [("Last-Event-ID", "5")])
            #expect(wrong.status == 400)
            #expect(wrong.errorField == "Last-Event-ID")
        }
    }

    @Test("reconnecting by the last id again and again while publishing goes on misses and repeats nothing")
    func resumesUnderLoad() throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 1_000
        } _: { node in
            var id = ""
            var next = 0
            try node.publish("b", "other")
            let first = try node.eventStream("?channel=a&channel=b")
            try first.begin(2)
            try node.publish("a", "start")
            id = try first.next().id
            for round in 0..<15 {
                let stream = try node.eventStream("?channel=a&channel=b", fields: [("Last-Event-ID", id)])
                try node.publish("a", (0..<20).map { Array("\(round * 20 + $0)".utf8) })
                #expect(try stream.begin(2).allSatisfy { $0.isRecovered == true })
                for _ in 0..<(round * 11) % 33 where next < (round + 1) * 20 {
                    let event = try stream.next()
                    #expect(try event.message.data == "\(next)")
                    id = event.id
                    next += 1
                }
                stream.close()
            }
            let stream = try node.eventStream("?channel=a&channel=b", fields: [("Last-Event-ID", id)])
            try stream.begin(2)
            while next < 300 {
                #expect(try stream.next().message.data == "\(next)")
                next += 1
            }
        }
    }

    @Test("a replay larger than what may wait for a client arrives whole")
    func resumesWithMuch() throws {
        try withNode { configuration in
            configuration.limits.outboxBytesMax = 65_536
        } _: { node in
            let first = try node.publish("a", "start")
            try node.publish("a", (0..<90).map { _ in [UInt8](repeating: 97, count: 20_000) })
            let stream = try node.eventStream("?channel=a&cursor=a@\(first)", receiveBytes: 8_192)
            #expect(try stream.begin()[0].isRecovered == true)
            for _ in 0..<90 { #expect(try stream.next().message.data?.count == 20_000) }
        }
    }

    @Test("padding on request")
    func padding() throws {
        try withNode { node in
            let padded = try node.eventStream("?channel=a&padding=true")
            try padded.begin()
            #expect(padded.text.contains(":" + String(repeating: " ", count: 2_048) + "\n"))
            for query in ["?channel=a", "?channel=a&padding=false"] {
                let plain = try node.eventStream(query)
                try plain.begin()
                #expect(plain.bytes.count < 1_000)
            }
        }
    }

    @Test("a comment where nothing else was sent, and only there")
    func heartbeat() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 1_000
        } _: { node in
            let idle = try node.eventStream("?channel=idle")
            // Heartbeats for which a slow machine gave time: from before a publication until the one behind it is there.
            var excused = 0
            var before = monotonicMilliseconds
            let busy = try node.eventStream("?channel=busy")
            try idle.begin()
            try busy.begin()
            let end = monotonicMilliseconds + 2_500
            while monotonicMilliseconds < end {
                let now = monotonicMilliseconds
                try node.publish("busy", "x")
                try busy.next()
                excused += Int((monotonicMilliseconds - before) / 700)
                before = now
                usleep(50_000)
            }
            try idle.receive { $0.components(separatedBy: "\n:\n").count > 1 && $0.hasSuffix(":\n:\n") }
            #expect(busy.pieces.filter { $0 == ":\n" }.count <= excused)
            try node.publish("idle", "x")
            #expect(try idle.next().message.data == "x")
        }
    }

    @Test("format=raw is the payload and nothing else, with its id; lines are kept, binary is base64")
    func raw() throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=a&format=raw")
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            let position = try node.publish("a", "one\ntwo\r\nthree")
            let event = try stream.next()
            #expect(event.data == "one\ntwo\nthree")
            #expect(event.id == "a@\(position)")
            try node.publish("a", "")
            #expect(try stream.next().data == "")
            try node.publish("a", "{\"x\":\n[1]}", json: true)
            let json = try stream.next().data
            #expect(!json.contains("\n") && json.contains("[1]"))
            try node.publish("a", [[0xff]])
            #expect(try stream.next().data == "/w==")
        }
    }

    @Test(
        "each publication is a chunk of its own, and nothing waits for more: Python's requests, and what is built on it"
    )
    func chunks() throws {
        try withNode { node in
            for query in ["?channel=a&padding=true", "?channel=a&format=raw"] {
                let stream = try node.eventStream(query)
                let isRaw = query.hasSuffix("raw")
                if !isRaw { try stream.begin() }
                try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
                try node.publish("a", "one\ntwo")
                try stream.next()
                try node.publish("a", "three")
                try stream.next()
                // What a stream of payloads only begins with is no event.
                #expect(stream.pieces.count == (isRaw ? 3 : 4))
                #expect(stream.pieces.dropFirst(isRaw ? 1 : 0).allSatisfy { $0.hasSuffix("\n\n") })
                stream.close()
                try eventually("it is gone") { node.metrics.hub.subscriptions.value == 0 }
            }
        }
    }

    @Test("a stream that is told goodbye ends with the last chunk")
    func lastChunk() throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=a")
            try stream.begin()
            node.node.stop()
            try stream.next("bye")
            #expect(try stream.nextOrEnd() == nil)
            #expect(stream.hasEndedWell)
        }
    }

    @Test("clients that hand over whatever an empty line ends get no empty events: httpx-sse, sseclient")
    func noEmptyEvents() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
        } _: { node in
            for query in [
                "?channel=a&channel=b", "?channel=a&channel=b&padding=true&session=none",
                "?channel=a&channel=b&format=raw",
            ] {
                let stream = try node.eventStream(query)
                let isRaw = query.hasSuffix("raw")
                if !isRaw { try stream.begin(2) }
                try stream.receive { $0.hasSuffix(":\n:\n") }
                try node.publish("a", "x")
                try stream.next()
                for events in [PythonReaders.httpxEvents(stream.text), PythonReaders.blocks(stream.text)] {
                    #expect(events.count == (isRaw ? 1 : 4))
                    #expect(events.allSatisfy { !$0.isEmpty })
                }
            }
        }
    }

    @Test("what a client sends behind its request is not taken for another request")
    func nothingFollows() throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=a")
            try stream.begin()
            try stream.client.sendRequest("POST", "/channels/a", body: "smuggled")
            try node.publish("a", "real")
            #expect(try stream.next().message.data == "real")
            try eventually("it is counted") { node.metrics.publishes.value == 1 }
        }
    }

    @Test("a reader that leaves is noticed")
    func leaves() throws {
        try withNode { node in
            let streams = try (0..<10).map { _ in try node.eventStream("?channel=a") }
            for stream in streams { try stream.begin() }
            try eventually("it is counted") { node.metrics.eventStreamConnections.value == 10 }
            for (index, stream) in streams.enumerated() { index % 2 == 0 ? stream.close() : stream.client.reset() }
            try eventually("all are gone") { node.metrics.eventStreamConnections.value == 0 }
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 0 }
            try eventually("the channel too") { node.metrics.hub.topics.value == 0 }
        }
    }
}
