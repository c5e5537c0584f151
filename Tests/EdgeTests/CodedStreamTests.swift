import Broker
import Edge
import Foundation
import Hub
import TestRandomness
import Testing
import Wire

/// Streams whose body is compressed as a whole.
@Suite("Compression of streams")
struct CodedStreamTests {
    private typealias Support = CompressingNode

    private func expectTicks(_ numbers: Range<Int>, on stream: EventStreamClient) throws {
        for number in numbers { #expect(Support.number(try stream.next().message) == number) }
    }

    @Test(
        "a stream is compressed if its client takes that and a rule lets all of its channels be",
        arguments: ContentCoding.allCases
    )
    func agreement(_ coding: ContentCoding) throws {
        try withNode { node in
            let stream = try node.eventStream("?channel=a", fields: Support.fields(coding))
            #expect(stream.head["Content-Encoding"] == nil && stream.head["Vary"] == "Origin")
        }
        try withCompressingNode([("off/*", .off), ("**", .shared)]) { node in
            let takes = Support.fields(coding)
            for (query, fields, isCompressed) in [
                ("?channel=a", takes, true), ("?channel=a&channel=b", takes, true),
                ("?channel=a&channel=off/b", takes, false), ("?channel=a/*", takes, true),
                ("?channel=off/*", takes, false), ("?channel=**", takes, false),
                ("?channel=a", [], false),
                ("?channel=a", [("Accept-Encoding", "\(coding.name);q=0")], false),
                ("?channel=a", [("Accept-Encoding", "identity, \(coding.name);q=0.9")], false),
            ] as [(String, [(String, String)], Bool)] {
                let stream = try node.eventStream(query, fields: fields)
                #expect(
                    stream.head["Content-Encoding"] == (isCompressed ? "\(coding.name)" : nil),
                    "\(query) \(fields)"
                )
                #expect(stream.head.head.contains("Vary: Accept-Encoding"))
                try stream.next("welcome")
                #expect(stream.pieces.count >= 1)
            }
        }
    }

    @Test(
        "those who come one after the other read every byte right",
        arguments: [Compression.shared, .alone],
        ContentCoding.allCases
    )
    func joins(compression: Compression, coding: ContentCoding) throws {
        try withCompressingNode([("**", compression)]) {
            $0.limits.compressionFlushBytes = 2_000
        } _: { node in
            var streams: [EventStreamClient] = []
            let plain = try node.eventStream("?channel=a")
            try plain.begin()
            let ticks = Support.ticks(400)
            for round in 0..<10 {
                let stream = try node.eventStream("?channel=a", fields: Support.fields(coding))
                try stream.begin()
                streams.append(stream)
                let numbers = round * 40..<round * 40 + 40
                try node.publish("a", Array(ticks[numbers]), json: true)
                for stream in streams { try expectTicks(numbers, on: stream) }
                try expectTicks(numbers, on: plain)
            }
            #expect(streams[0].text.suffix(10_000) == plain.text.suffix(10_000))
            let ratio = Double(plain.bodyCount) / Double(streams[0].bodyCount)
            #expect(ratio > (compression == .shared ? 4 : 1.1), "\(ratio)")
        }
    }

    @Test(
        "a stream that ends in order ends as its coding does, its checksum right",
        arguments: [Compression.shared, .alone],
        ContentCoding.allCases
    )
    func ends(compression: Compression, coding: ContentCoding) throws {
        try withCompressingNode([("**", compression)]) {
            $0.limits.compressionFlushBytes = 500
        } _: { node in
            let stays = try node.eventStream("?channel=a", fields: Support.fields(coding))
            try stays.begin()
            for count in [0, 1, 7, 40] {
                let stream = try node.eventStream("?channel=a", fields: Support.fields(coding))
                let token = try #require(try stream.next("welcome").message["session"] as? String)
                try stream.next("subscribed")
                try node.publish("a", Support.ticks(count), json: true)
                try expectTicks(0..<count, on: stream)
                try expectTicks(0..<count, on: stays)
                let other = try node.eventStream("?channel=a&session=\(token)", fields: Support.fields(coding))
                try stream.next("bye")
                #expect(try stream.nextOrEnd() == nil)
                #expect(stream.hasInflatedAll && stream.hasEndedWell, "\(count)")
                other.close()
            }
        }
    }

    @Test("windows that are given back change nothing for their readers", arguments: ContentCoding.allCases)
    func idle(_ coding: ContentCoding) throws {
        try withCompressingNode {
            $0.limits.compressionIdleMilliseconds = 200
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            let ticks = Support.ticks(90)
            var streams: [(stream: EventStreamClient, token: String)] = []
            for round in 0..<3 {
                let stream = try node.eventStream("?channel=a", fields: Support.fields(coding))
                let token = try #require(try stream.next("welcome").message["session"] as? String)
                try stream.next("subscribed")
                streams.append((stream, token))
                for number in round * 30..<round * 30 + 30 {
                    try node.publish("a", [ticks[number]], json: true)
                    for each in streams { try expectTicks(number..<number + 1, on: each.stream) }
                }
                try eventually("the window is given back") { node.metrics.hub.compressionWindows.value == 0 }
            }
            for (stream, token) in streams {
                let other = try node.eventStream("?channel=a&session=\(token)", fields: Support.fields(coding))
                try stream.next("bye")
                #expect(try stream.nextOrEnd() == nil)
                #expect(stream.hasInflatedAll && stream.hasEndedWell)
                other.close()
            }
        }
    }

    @Test(
        "a heartbeat of its own has a reader wait for the others, and it reads on with them",
        arguments: ContentCoding.allCases
    )
    func heartbeats(_ coding: ContentCoding) throws {
        try withCompressingNode {
            $0.limits.heartbeatMilliseconds = 1_000
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            let streams = try (0..<3).map { _ in try node.eventStream("?channel=a", fields: Support.fields(coding)) }
            for stream in streams { try stream.begin() }
            for round in 0..<3 {
                try node.publish("a", Support.ticks(5), json: true)
                for stream in streams { try expectTicks(0..<5, on: stream) }
                for stream in streams {
                    try stream.receive { $0.components(separatedBy: EventStreamText.heartbeat).count > round + 1 }
                }
            }
            try node.publish("a", Support.ticks(5), json: true)
            for stream in streams { try expectTicks(0..<5, on: stream) }
        }
    }

    @Test("for HTTP/1.0 there are no chunks around it", arguments: ContentCoding.allCases)
    func withoutChunks(_ coding: ContentCoding) throws {
        try withCompressingNode { node in
            let client = try node.connect()
            try client.send("GET /sse?channel=a HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept-Encoding: \(coding.name)\r\n\r\n")
            let stream = try EventStreamClient(askedOn: client)
            #expect(stream.head["Content-Encoding"] == "\(coding.name)" && stream.head["Transfer-Encoding"] == nil)
            try stream.begin()
            try node.publish("a", Support.ticks(50), json: true)
            try expectTicks(0..<50, on: stream)
        }
    }

    @Test(
        "what a client missed is told in front of what is compressed, however much it is",
        arguments: ContentCoding.allCases
    )
    func replays(_ coding: ContentCoding) throws {
        try withCompressingNode { configuration in
            configuration.limits.compressionFlushBytes = 1
            configuration.limits.historyCountMax = 5_000
            configuration.limits.replayBytesMax = 20_000
        } _: { node in
            let ticks = Support.ticks(1_050)
            let positions = try node.publish("a", Array(ticks[..<1_000]), json: true)
            let stream = try node.eventStream(
                "?channel=a&cursor=a@\(positions[9])",
                receiveBytes: 8_192,
                fields: Support.fields(coding)
            )
            let token = try #require(try stream.next("welcome").message["session"] as? String)
            try stream.next("subscribed")
            try expectTicks(10..<1_000, on: stream)
            for number in 1_000..<1_050 {
                try node.publish("a", [ticks[number]], json: true)
                try expectTicks(number..<number + 1, on: stream)
            }
            _ = try node.eventStream("?channel=a&session=\(token)", fields: Support.fields(coding))
            try stream.next("bye")
            #expect(try stream.nextOrEnd() == nil)
            #expect(stream.hasInflatedAll)
        }
    }

    @Test(
        "a slow reader is moved on as ever, and reads what follows",
        arguments: SlowReaderPolicy.allCases,
        ContentCoding.allCases
    )
    func slowReaders(policy: SlowReaderPolicy, coding: ContentCoding) throws {
        try withCompressingNode { configuration in
            configuration.slowReader = policy
            configuration.limits.windowBytesMax = 16_384
            configuration.limits.compressionFlushBytes = 1
        } _: { node in
            let slow = try node.eventStream("?channel=a", receiveBytes: 8_192, fields: Support.fields(coding))
            try slow.begin()
            var random = SeededGenerator(seed: 9)
            var next = 0
            func publish() throws {
                let noise = String(
                    (0..<4_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 65...90, using: &random))) }
                )
                try node.publish("a", "{\"number\":\(next),\"noise\":\"\(noise)\"}", json: true)
                next += 1
            }
            let actions = {
                node.metrics.hub.disconnects.value + node.metrics.hub.skips.value + node.metrics.hub.latests.value
                    + node.metrics.hub.merges.value
            }
            while actions() == 0, next < 3_000 { try publish() }
            var expected = 0
            while policy != .merge || expected < next, let event = try slow.nextOrEnd() {
                if !event.name.isEmpty {
                    guard policy == .merge else { break }
                    // It goes on with what history still has.
                    expected = next - Limits().historyCountMax
                    continue
                }
                #expect(Support.number(try event.message) == expected)
                expected += 1
            }
            #expect(expected > 0 && expected < next || policy == .merge)
            guard policy != .disconnect else { return }
            if policy == .latest { try expectTicks(next - 1..<next, on: slow) }
            for _ in 0..<20 {
                try publish()
                try expectTicks(next - 1..<next, on: slow)
            }
        }
    }
}

private enum EventStreamText {
    /// What a heartbeat is, as text.
    static let heartbeat = "\(EventStreamEncoder.heartbeat)"
}
