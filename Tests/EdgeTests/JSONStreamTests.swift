import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("JSON streams")
struct JSONStreamTests {
    @Test("a stream begins with the fields that keep proxies from holding it back")
    func head() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let stream = try node.jsonStream("?channel=a", fields: [("Origin", "https://listed.example")])
            #expect(stream.head["Content-Type"] == "application/x-ndjson; charset=utf-8")
            #expect(stream.head["Transfer-Encoding"] == "chunked")
            #expect(stream.head["Content-Length"] == nil)
            #expect(stream.head["Cache-Control"]?.contains("no-store") == true)
            #expect(stream.head["X-Accel-Buffering"] == "no")
            #expect(stream.head["Access-Control-Allow-Origin"] == "https://listed.example")
            try stream.next("welcome")
            try eventually("it is counted") { node.metrics.jsonStreamConnections.value == 1 }
        }
    }

    @Test("welcome, subscribed, then one message to a line and one line to a chunk, each with the cursor")
    func messages() throws {
        try withNode { node in
            let before = try node.publish("a", "before")
            let stream = try node.jsonStream("?channel=a")
            #expect(try stream.next("welcome")["node"] as? String == "n1")
            let subscribed = try stream.next("subscribed")
            #expect(subscribed.channel == "a" && subscribed.position == before && subscribed.isRecovered == nil)
            #expect(subscribed["cursor"] as? String == "a@\(before)")
            let positions = try node.publish("a", (0..<100).map { Array("m\($0)\nsecond line".utf8) })
            for (number, position) in positions.enumerated() {
                let message = try stream.next()
                #expect(message.data == "m\(number)\nsecond line" && message.position == position)
                #expect(message["cursor"] as? String == "a@\(position)")
            }
            #expect(stream.chunkCount == 102)
        }
    }

    @Test("until a channel is told to be subscribed, the cursor leaves it where the client said it was")
    func cursorsOfBeginning() throws {
        try withNode { node in
            let a = try node.publish("a", "x")
            try node.publish("b", "y")
            let stream = try node.jsonStream("?channel=a&channel=b&channel=c&cursor=a@\(a),b@1-0")
            try stream.next("welcome")
            let first = try stream.next("subscribed")
            #expect(first["cursor"] as? String == "a@\(a),b@1-0")
            let second = try stream.next("subscribed")
            let lossOfB = try #require(second.position)
            #expect(second.isRecovered == false)
            #expect(second["cursor"] as? String == "a@\(a),b@\(lossOfB)")
            #expect(try stream.next("subscribed")["cursor"] as? String == "a@\(a),b@\(lossOfB),c@0-0")
        }
    }

    @Test("with several channels each cursor is that of all, and resumes all on another transport")
    func severalChannels() throws {
        try withNode { node in
            let stream = try node.jsonStream("?channel=b%2Fc&channel=a")
            try stream.next("welcome")
            #expect(try stream.next("subscribed").channel == "a")
            #expect(try stream.next("subscribed").channel == "b/c")
            let a = try node.publish("a", "a0")
            #expect(try stream.next()["cursor"] as? String == "a@\(a),b%2Fc@0-0")
            let b = try node.publish("b/c", "b0")
            let cursor = try #require(try stream.next()["cursor"] as? String)
            #expect(cursor == "a@\(a),b%2Fc@\(b)")
            stream.client.close()
            try node.publish("a", "a1")
            try node.publish("b/c", "b1")
            let encoded = cursor.replacingOccurrences(of: "%", with: "%25")
            let resumed = try node.jsonStream("?channel=a&channel=b%2Fc&cursor=\(encoded)")
            try resumed.next("welcome")
            for _ in 0..<2 { #expect(try resumed.next("subscribed").isRecovered == true) }
            #expect(Set([try resumed.next().data, try resumed.next().data]) == ["a1", "b1"])
            let events = try node.eventStream("?channel=a&channel=b%2Fc", fields: [("Last-Event-ID", cursor)])
            try events.begin(2)
            #expect(Set([try events.next().message.data, try events.next().message.data]) == ["a1", "b1"])
        }
    }

    @Test("format=raw carries one JSON value to a line and nothing else")
    func raw() throws {
        try withNode { node in
            let stream = try node.jsonStream("?channel=a&format=raw")
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("a", #"{"n": 1}"#, json: true)
            try node.publish("a", "a \"text\"\nof two lines")
            try node.publish("a", [[0xff, 0x00]])
            #expect(try stream.nextLine() == #"{"n": 1}"#)
            #expect(try stream.nextLine() == #""a \"text\"\nof two lines""#)
            #expect(try stream.nextLine() == "\"/wA=\"")
        }
    }

    @Test("padding comes first, for those who ask for it")
    func padding() throws {
        try withNode { node in
            let stream = try node.jsonStream("?channel=a&padding=true")
            #expect(try stream.nextLine() == String(repeating: " ", count: 2_048))
            try stream.next("welcome")
            try node.jsonStream("?channel=a&padding=false").next("welcome")
        }
    }

    @Test("an idle stream gets empty lines")
    func heartbeats() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
        } _: { node in
            let stream = try node.jsonStream("?channel=a")
            try stream.next("welcome")
            try stream.next("subscribed")
            #expect(try stream.nextLine() == "")
            #expect(try stream.nextLine() == "")
            try node.publish("a", "x")
            var line = try stream.nextLine()
            while line == "" { line = try stream.nextLine() }
            #expect(try Message(#require(line)).data == "x")
        }
    }

    @Test("a stream that grew long is renewed: a bye, a whole end, and the cursor goes on")
    func renewal() throws {
        try withNode { configuration in
            configuration.limits.streamBytesMax = 20_000
            configuration.limits.closeMilliseconds = 60_000
        } _: { node in
            var cursor = ""
            var received: [String] = []
            var renewals = 0
            var published = 0
            while renewals < 3 {
                let query = cursor.isEmpty ? "?channel=a" : "?channel=a&cursor=\(cursor)"
                let stream = try node.jsonStream(query)
                while let line = try stream.nextLine() {
                    let message = try Message(line)
                    cursor = message["cursor"] as? String ?? cursor
                    if message.type == "message" { received.append(message.data ?? "") }
                    if message.type == "subscribed" {
                        let filling = String(repeating: "x", count: 500)
                        try node.publish("a", (0..<50).map { Array("\(published + $0) \(filling)".utf8) })
                        published += 50
                    }
                    guard message.type == "bye" else { continue }
                    #expect(message.code == 4_005 && message["reconnect"] as? Bool == true)
                    renewals += 1
                }
                #expect(stream.hasEndedWell)
            }
            let numbers = received.map { Int($0.split(separator: " ")[0])! }
            #expect(numbers == Array(0..<numbers.count), "a renewal lost or repeated something")
            // Their clients do not end them, so the node looks at them again.
            usleep(2_500_000)
            #expect(node.metrics.streamsRenewed.value == renewals)
        }
    }

    @Test("a stream that grew old is renewed")
    func age() throws {
        try withNode { configuration in
            configuration.limits.streamMilliseconds = 1_000
            configuration.limits.heartbeatMilliseconds = 500
        } _: { node in
            let stream = try node.jsonStream("?channel=a")
            var last = ""
            while let line = try stream.nextLine() { if !line.isEmpty { last = line } }
            #expect(try Message(last).code == 4_005)
            #expect(stream.hasEndedWell)
            try eventually("it is counted") { node.metrics.streamsRenewed.value == 1 }
        }
    }

    @Test("what cannot be streamed is refused")
    func refusals() throws {
        try withNode { node throws in
            #expect(try node.ask("GET", "/stream").errorField == "channel")
            #expect(try node.ask("POST", "/stream?channel=a", body: "").status == 405)
            #expect(try node.ask("HEAD", "/stream?channel=a").status == 200)
        }
    }
}
