import Broker
import Edge
import Foundation
import Hub
import Testing

/// What every transport must do; what one cannot do in its protocol is told in deploy/reference/http.md.
@Suite("Every transport")
struct TransportTests {
    private func withScripts(_ change: (inout EdgeConfiguration) -> Void = { _ in }, _ body: (TestNode) throws -> Void)
        throws
    {
        try withNode { configuration in
            configuration.answersScripts = true
            configuration.limits.historyCountMax = 10_000
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    @Test("several channels, each in order and once, resumed from the cursor", arguments: Transport.allCases)
    func severalChannels(transport: Transport) throws {
        try withScripts { node in
            let channels = ["a", "b/c", "ü,@ %"]
            var reader = try TransportReader(transport, node, channels: channels)
            try reader.begin(channels.count)
            var next = [0, 0, 0]
            for round in 0..<3 {
                for number in 0..<20 {
                    for channel in channels.indices {
                        let name = try #require(
                            channels[channel].addingPercentEncoding(withAllowedCharacters: .alphanumerics)
                        )
                        try node.publish(name, "\(round * 20 + number)")
                    }
                    if number == 10, round > 0 {
                        // It is lost in the middle, and comes back.
                        reader.close()
                        reader = try TransportReader(transport, node, channels: channels, cursor: reader.cursor)
                    }
                }
                while next.contains(where: { $0 < (round + 1) * 20 }) {
                    let message = try reader.next("message")
                    let channel = try #require(channels.firstIndex { $0 == message.channel })
                    #expect(message.data == "\(next[channel])")
                    next[channel] += 1
                }
            }
        }
    }

    @Test("binary payloads, 64 KiB, and text that is awkward", arguments: Transport.allCases)
    func payloads(transport: Transport) throws {
        try withScripts { node in
            let reader = try TransportReader(transport, node, channels: ["a"])
            try reader.begin()
            let binary = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) } + [0xFF, 0x0D, 0x0A, 0x00]
            try node.publish("a", [binary])
            #expect(Data(base64Encoded: try #require(try reader.next("message").data64)) == Data(binary))
            let long = String(repeating: "0123456789abcde\n", count: 4_096)
            try node.publish("a", long)
            #expect(try reader.next("message").data == long)
            let awkward = [
                "</script><script>", "<!-- -->", "\u{2028}\u{2029}\u{85}", "a\r\nb\rc\n\n", "data: x\n\nid: 1\n",
                "\u{0}\u{1}\u{7F}\\\"", "☄️👩‍👩‍👧‍👦e\u{301}", "a\u{FEFF}b", "", " ", "--perseid\r\n\r\n", "{\"type\":\"bye\"}",
            ]
            for text in awkward {
                try node.publish("a", text)
                #expect(try reader.next("message").data == text, "\(text.debugDescription)")
            }
        }
    }

    @Test(
        "a node that drains says so, or answers, and what comes then is told elsewhere",
        arguments: Transport.allCases
    )
    func drain(transport: Transport) throws {
        try withScripts {
            $0.limits.drainMilliseconds = 5_000
        } _: { node in
            let reader = try TransportReader(transport, node, channels: ["a"])
            try reader.begin()
            let position = try node.publish("a", "x")
            #expect(try reader.next("message").position == position)
            let ending = Thread { [node = node.node] in node.stop() }
            if transport.isPoll {
                // It is answered with nothing, and with its cursor; a poll that comes later finds nobody.
                ending.start()
                try eventually("it is stopped") {
                    (try? reader.next()) != nil || ending.isFinished
                }
            } else {
                ending.start()
                let bye = try reader.next("bye")
                #expect(bye.code == 4_000 && bye["reconnect"] as? Bool == true)
                while try reader.next() != nil {}
            }
            #expect(reader.cursor == "a@\(position)")
            try eventually("it is stopped") { ending.isFinished }
        }
    }

    /// Reads nothing while so much is published that its window is far exceeded, then all there is.
    private func readSlowly(_ transport: Transport, _ policy: SlowReaderPolicy) throws -> (
        read: [Message], published: Int, last: String
    ) {
        var read: [Message] = []
        var published = 0
        var last = ""
        try withNode { configuration in
            configuration.slowReader = policy
            configuration.limits.windowBytesMax = 65_536
            configuration.limits.historyCountMax = 10
            configuration.limits.streamBytesMax = 1 << 30
        } _: { node in
            let reader = try TransportReader(transport, node, channels: ["a"], receiveBytes: 4_096)
            try reader.begin()
            let body = [UInt8](repeating: 0x78, count: 8_000)
            func acted() -> Int {
                let hub = node.metrics.hub
                return hub.disconnects.value + hub.skips.value + hub.latests.value
            }
            while acted() == 0, published < 4_000 {
                try node.publish("a", (0..<20).map { _ in body })
                published += 20
            }
            try #require(acted() > 0, "nobody was too slow")
            last = try node.publish("a", "last")
            published += 1
            while let message = try reader.next() {
                read.append(message)
                // Who was moved on to the newest may have been moved behind the last one.
                if message.position == last || message.to == last { break }
            }
        }
        return (read, published, last)
    }

    @Test("a reader that is too slow is sent away, behind a whole message", arguments: Transport.streams)
    func disconnects(transport: Transport) throws {
        let (read, _, last) = try readSlowly(transport, .disconnect)
        #expect(read.last?.type == "bye" && read.last?.code == 4_008)
        #expect(!read.contains { $0.position == last })
        #expect(read.dropLast().allSatisfy { $0.type == "message" })
    }

    @Test(
        "a reader that is too slow goes on with the newest, and is told what it missed",
        arguments: Transport.streams,
        [SlowReaderPolicy.skip, .latest]
    )
    func skips(transport: Transport, policy: SlowReaderPolicy) throws {
        let (read, published, last) = try readSlowly(transport, policy)
        #expect(read.last?.position == last || read.last?.to == last)
        let gap = try #require(read.firstIndex { $0.type == "gap" })
        #expect(read[gap].from == (gap == 0 ? nil : read[gap - 1].position) || gap == 0)
        #expect(read.count { $0.type == "message" } < published, "nothing was left out")
    }

    @Test(
        "HTTP/1.0 knows no chunks: a stream ends with its connection, and has the same bytes",
        arguments: ["/sse?", "/stream?", "/multipart?", "/frame?callback=f&"]
    )
    func oldVersion(path: String) throws {
        try withNode { node in
            let client = try node.connect()
            try client.send("GET \(path)channel=a&session=none HTTP/1.0\r\nHost: localhost\r\n\r\n")
            let head = try client.readHead()
            #expect(head.hasPrefix("HTTP/1.1 200 ") && !head.lowercased().contains("transfer-encoding"))
            #expect(head.contains("Connection: close\r\n"))
            #expect(try client.receive { String(decoding: client.buffer, as: UTF8.self).contains("subscribed") })
            let chunked = try node.connect()
            try chunked.sendRequest("GET", "\(path)channel=a&session=none")
            var body = StreamBody(of: HTTPAnswer(status: 200, head: try chunked.readHead(), body: []))
            var pieces: [UInt8] = []
            func whole() throws -> String {
                pieces += try body.takePieces(from: chunked).joined()
                return String(decoding: pieces, as: UTF8.self)
            }
            #expect(try chunked.receive { try whole().contains("subscribed") })
            try node.publish("a", "needle")
            #expect(try client.receive { String(decoding: client.buffer, as: UTF8.self).contains("needle") })
            #expect(try chunked.receive { try whole().contains("needle") })
            // Whatever is around it, from the message on.
            let plain = String(decoding: client.buffer, as: UTF8.self)
            for text in [plain, try whole()] { #expect(text.components(separatedBy: "needle").count == 2) }
            let ending = Thread { [node = node.node] in node.stop() }
            ending.start()
            #expect(client.ends() && !client.isReset)
            try eventually("it is stopped") { ending.isFinished }
        }
    }

    @Test("a client may go from each transport to each with its cursor", arguments: Transport.allCases)
    func changes(transport: Transport) throws {
        try withScripts { node in
            let first = try TransportReader(transport, node, channels: ["a"])
            try first.begin()
            try node.publish("a", "seen")
            #expect(try first.next("message").data == "seen")
            first.close()
            try node.publish("a", "missed")
            for other in Transport.allCases {
                let second = try TransportReader(other, node, channels: ["a"], cursor: first.cursor)
                #expect(try second.next("message").data == "missed")
                second.close()
            }
        }
    }
}
