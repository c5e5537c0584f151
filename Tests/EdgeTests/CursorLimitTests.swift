import Broker
import Edge
import Foundation
import Hub
import Testing
import Text

/// Whatever opens can resume: the limits of a cursor, of a target and of a head fit each other.
@Suite("Limits of cursors")
struct CursorLimitTests {
    private static let names = (0..<128).map { _ in "org42/room/\(UUID().uuidString.lowercased())" }.sorted()

    private static func query(_ names: [String]) -> String {
        "?" + names.map { "channel=\(PercentCoding.encode($0))" }.joined(separator: "&")
    }

    /// Positions as long as they get, in every channel.
    private static var longestCursor: String {
        names.map { "\(PercentCoding.encode($0))@18446744073709551615-18446744073709551615" }.joined(separator: ",")
    }

    @Test("128 channels like org42/room/<uuid> open, and resume by Last-Event-ID and by cursor, on each transport")
    func resumes() throws {
        try withNode { node throws in
            let query = Self.query(Self.names)
            let first = try node.eventStream(query)
            try first.begin(128)
            try node.publish(PercentCoding.encode(Self.names[7]), "seen")
            let cursor = try first.next().id
            #expect(cursor.split(separator: ",").count == 128)
            first.close()
            try node.publish(PercentCoding.encode(Self.names[100]), "missed")
            let byID = try node.eventStream(query, fields: [("Last-Event-ID", cursor)])
            let byCursor = try node.eventStream("\(query)&cursor=\(PercentCoding.encode(cursor))")
            for stream in [byID, byCursor] {
                #expect(try stream.begin(128).allSatisfy { $0.isRecovered == true })
                #expect(try stream.next().message.data == "missed")
            }
            let lines = try node.jsonStream("\(query)&cursor=\(PercentCoding.encode(cursor))")
            try lines.next("welcome")
            for _ in Self.names { try lines.next("subscribed") }
            #expect(try lines.next().data == "missed")
            let poll = try node.ask("GET", "/poll\(query)&cursor=\(PercentCoding.encode(cursor))")
            #expect(poll.text.contains("missed") && !poll.text.contains("seen"))
        }
    }

    @Test("the longest cursor is read, beside the names and encoded once more")
    func longest() throws {
        try withNode { node throws in
            let query = Self.query(Self.names)
            let cursor = Self.longestCursor
            #expect(cursor.utf8.count <= Limits().cursorBytesMax)
            for answer in [
                try node.ask("HEAD", "/sse\(query)", [("Last-Event-ID", cursor)]),
                try node.ask("HEAD", "/sse\(query)&cursor=\(PercentCoding.encode(cursor))"),
                try node.ask(
                    "HEAD",
                    "/stream\(query)&cursor=\(PercentCoding.encode(cursor))",
                    [("Last-Event-ID", cursor)]
                ),
            ] {
                #expect(answer.status == 200)
            }
        }
    }

    @Test("channels whose cursor would be too long to come back with are refused before they open")
    func tooLong() throws {
        try withNode { node throws in
            let names = (0..<60).map { "\($0)".padding(toLength: 200, withPad: "x", startingAt: 0) }
            for path in ["/sse", "/stream", "/poll", "/multipart"] {
                let answer = try node.ask("GET", path + Self.query(names))
                #expect(answer.status == 400 && answer.errorField == "channel", "\(path)")
                #expect(answer.text.contains("cursor"))
            }
            // All of a name's bytes may need to be encoded.
            let encoded = (0..<20).map { "\($0)" + String(repeating: "é", count: 100) }
            #expect(try node.ask("GET", "/sse" + Self.query(encoded)).errorField == "channel")
            try eventually("it is counted") { node.metrics.hub.topics.value == 0 }
        }
    }

    @Test("what a WebSocket's session has is not more than what a stream can resume, or the stream is refused")
    func session() throws {
        try withNode { node throws in
            let names = (0..<60).map { "\($0)".padding(toLength: 200, withPad: "x", startingAt: 0) }
            let socket = try node.webSocket(Self.query(names))
            let token = try #require(try socket.next("welcome")["session"] as? String)
            for _ in names { try socket.next("subscribed") }
            for path in ["/sse", "/stream", "/poll", "/multipart"] {
                #expect(try node.ask("GET", "\(path)?session=\(token)").errorField == "channel", "\(path)")
            }
            let again = try node.webSocket("?session=\(token)")
            #expect(try again.begin(60).count == 60)
        }
    }

    @Test("a session and a request have no more channels together than a connection may have")
    func sum() throws {
        try withNode { configuration in
            configuration.limits.channelsPerConnectionMax = 3
        } _: { node throws in
            let socket = try node.webSocket("?channel=a&channel=b")
            let token = try #require(try socket.next("welcome")["session"] as? String)
            for _ in 0..<2 { try socket.next("subscribed") }
            #expect(try node.ask("GET", "/stream?session=\(token)&channel=c&channel=d").errorField == "channel")
            let upgrade = WebSocketClient.handshake
            #expect(try node.ask("GET", "/ws?session=\(token)&channel=c&channel=d", upgrade).errorField == "channel")
            let lines = try node.jsonStream("?session=\(token)&channel=c&channel=b")
            try lines.next("welcome")
            for _ in 0..<3 { try lines.next("subscribed") }
        }
    }
}
