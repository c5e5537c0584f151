import Broker
import Edge
import Foundation
import Hub
import Testing
import Wire

/// Strangers that say oddly what they take, or want from a compressed stream what it must not give them.
@Suite("Hostile content codings")
struct HostileCodingTests {
    private struct Row {
        let name: String
        let request: String
        let status: Int
        let coding: String?

        init(_ name: String, _ target: String, _ fields: String, _ status: Int, _ coding: String?) {
            self.init(name, request: "GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n", status, coding)
        }

        init(_ name: String, request: String, _ status: Int, _ coding: String?) {
            (self.name, self.request, self.status, self.coding) = (name, request, status, coding)
        }

        static func accepting(_ name: String, _ value: String, _ coding: String?) -> Row {
            Row(name, "/sse?channel=a", "Accept-Encoding: \(value)\r\n", 200, coding)
        }
    }

    private static let rows: [Row] = [
        .accepting("the least there is", "deflate;q=0.001", "deflate"),
        .accepting("less than the least", "deflate;q=0.0009", nil),
        .accepting("a weight below nothing", "deflate;q=-1", nil),
        .accepting("a weight with an exponent", "deflate;q=1e0", nil),
        .accepting("a weight that is none", "deflate;q=NaN", nil),
        .accepting("a weight in other digits", "deflate;q=0.\u{661}", nil),
        .accepting("two weights", "deflate;q=1;q=1", nil),
        .accepting("a parameter of zlib", "deflate;window=15", nil),
        .accepting("the raw format by a name of its own", "x-deflate, raw-deflate", nil),
        .accepting("nothing but separators", String(repeating: ",;=", count: 300), nil),
        .accepting(
            "the same a hundred times",
            String(repeating: "deflate;q=0.5,", count: 100) + "gzip;q=0.4",
            "deflate"
        ),
        .accepting("bytes that are no text", "d\u{e9}flate, deflate\u{200b}", nil),
        .accepting("a name of another case", "DEFLATE, gzip;q=0.999", "deflate"),
        Row(
            "two fields that contradict each other",
            "/sse?channel=a",
            "Accept-Encoding: gzip;q=0\r\nAccept-Encoding: deflate\r\n",
            200,
            "deflate"
        ),
        Row("a field that ends the line", "/sse?channel=a", "Accept-Encoding: deflate\r\n\t\r\n", 400, nil),
        Row("a NUL", "/sse?channel=a", "Accept-Encoding: deflate\0\r\n", 400, nil),
        Row("a channel that may not be compressed", "/sse?channel=off/a", "Accept-Encoding: deflate\r\n", 200, nil),
        Row("a pattern with one", "/sse?channel=**", "Accept-Encoding: deflate\r\n", 200, nil),
        Row("no channel", "/sse", "Accept-Encoding: deflate\r\n", 400, nil),
        Row("no session", "/sse?channel=a&session=none", "Accept-Encoding: deflate\r\n", 200, "deflate"),
        Row("a cursor that is none", "/sse?channel=a&cursor=a@x", "Accept-Encoding: deflate\r\n", 400, nil),
        Row("a channel that is none", "/sse?channel=a//b", "Accept-Encoding: deflate\r\n", 400, nil),
        Row("a poll", "/poll?channel=a&wait=0", "Accept-Encoding: deflate\r\n", 200, nil),
        Row("a page", "/healthz", "Accept-Encoding: deflate\r\n", 200, nil),
        Row(
            "only the head",
            request: "HEAD /sse?channel=a HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: deflate\r\n\r\n",
            200,
            nil
        ),
        Row(
            "a client that was told to stay away",
            "/sse?channel=a",
            "Accept-Encoding: deflate\r\nLast-Event-ID: \(ByeCode.lastEventIDMark)4001\r\n",
            204,
            nil
        ),
        Row(
            "an old client",
            request: "GET /stream?channel=a HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: deflate\r\n\r\n",
            200,
            "deflate"
        ),
    ]

    @Test("each is answered as its row says, and who reads beside them reads on")
    func table() throws {
        try withCompressingNode([("off/*", .off), ("**", .shared)]) {
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            let beside = try node.eventStream("?channel=a", fields: CompressingNode.fields(.deflate))
            try beside.begin()
            let ticks = CompressingNode.ticks(Self.rows.count)
            for (number, row) in Self.rows.enumerated() {
                let client = try node.connect()
                defer { client.close() }
                try client.send(row.request)
                let text = try client.readHead()
                let head = HTTPAnswer(status: Int(text.dropFirst(9).prefix(3)) ?? 0, head: text, body: [])
                #expect(head.status == row.status && head["Content-Encoding"] == row.coding, "\(row.name): \(text)")
                try node.publish("a", [ticks[number]], json: true)
                #expect(CompressingNode.number(try beside.next().message) == number, "\(row.name)")
            }
        }
    }

    @Test("those who leave amid what is their own, or amid what is all's, leave nothing behind")
    func leaving() throws {
        try withCompressingNode {
            $0.limits.compressionFlushBytes = 1
            $0.limits.windowBytesMax = 65_536
        } _: { node in
            let stays = try node.eventStream("?channel=a", fields: CompressingNode.fields(.deflate))
            let token = try #require(try stays.next("welcome").message["session"] as? String)
            try stays.next("subscribed")
            let ticks = CompressingNode.ticks(400)
            var others: [EventStreamClient] = []
            for round in 0..<40 {
                for number in 0..<5 {
                    let coding = ContentCoding.allCases[number % 2]
                    let fields = CompressingNode.fields(coding)
                    let other = try node.eventStream("?channel=a", receiveBytes: 4_096, fields: fields)
                    if number % 2 == 0 { try other.next("welcome") }
                    others.append(other)
                }
                let numbers = round * 10..<round * 10 + 10
                try node.publish("a", Array(ticks[numbers]), json: true)
                for number in numbers { #expect(CompressingNode.number(try stays.next().message) == number) }
                for other in others.prefix(4) { other.close() }
                others.removeFirst(4)
            }
            for other in others { other.close() }
            try eventually("they are gone, and so are their windows") {
                try node.publish("b", "x")
                return node.metrics.hub.subscriptions.value == 1 && node.metrics.hub.compressionWindows.value == 1
            }
            let other = try node.eventStream("?channel=a&session=\(token)", fields: CompressingNode.fields(.deflate))
            try stays.next("bye")
            #expect(try stays.nextOrEnd() == nil)
            #expect(stays.hasInflatedAll && stays.hasEndedWell)
            other.close()
        }
    }
}
