import Broker
import Edge
import Foundation
import Hub
import TestInflater
import TestRandomness
import Testing
import Wire

/// WebSockets whose messages are compressed, once for all who read the same.
@Suite("Compression of WebSockets")
struct CompressionTests {
    private typealias Support = CompressingNode

    private func expectTicks(_ numbers: Range<Int>, on socket: WebSocketClient) throws {
        for number in numbers { #expect(Support.number(try socket.next("message")) == number) }
    }

    @Test("without a rule nothing is agreed on, and with one only what was offered")
    func agreement() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a", fields: Support.offer)
            #expect(socket.extensions == nil)
            try socket.begin()
            try node.publish("a", Support.ticks(3), json: true)
            try expectTicks(0..<3, on: socket)
        }
        try withCompressingNode { node in
            #expect(try node.webSocket("?channel=a").extensions == nil)
            let declined = [("Sec-WebSocket-Extensions", "permessage-deflate; what=1")]
            #expect(try node.webSocket("?channel=a", fields: declined).extensions == nil)
            let socket = try node.webSocket("?channel=a", fields: Support.offer)
            #expect(socket.extensions == "permessage-deflate; client_no_context_takeover")
        }
    }

    /// What Autobahn's cases 12 and 13 do, by way of a channel: sizes, fragments, and who keeps how much of what.
    @Test(
        "messages of all sizes, whole and in fragments, with all parameters",
        arguments: [
            "", "; client_max_window_bits", "; client_no_context_takeover", "; server_no_context_takeover",
            "; server_max_window_bits=8", "; server_max_window_bits=9", "; server_max_window_bits=12",
            "; server_max_window_bits=13", "; server_max_window_bits=15",
            "; server_no_context_takeover; server_max_window_bits=9",
            "; server_no_context_takeover; server_max_window_bits=15",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10",
        ],
        [Compression.shared, .alone, .off]
    )
    func sizes(parameters: String, compression: Compression) throws {
        try withCompressingNode([("b", .alone), ("**", compression)]) { configuration in
            configuration.limits.messageBytesMax = 1 << 18
        } _: { node in
            let offer = [("Sec-WebSocket-Extensions", "permessage-deflate\(parameters)")]
            let socket = try node.webSocket("?channel=a", fields: offer)
            try socket.begin()
            let deflater = StreamDeflater()
            var count = 0
            for size in [0, 1, 16, 64, 125, 126, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072] {
                for fragment in [0, 256, 1_024, 32_768] where fragment == 0 || size > fragment && size < fragment * 80 {
                    let text = String((0..<size).map { Character(UnicodeScalar(UInt8(97 + $0 * $0 / 7 % 26))) })
                    let command = "{\"type\":\"publish\",\"channel\":\"a\",\"data\":\"\(text)\"}"
                    try send(deflater.deflate(message: Array(command.utf8)), in: fragment, on: socket)
                    #expect(try publication(on: socket).data == text, "\(size) in \(fragment)")
                    count += 1
                }
            }
            try eventually("it is counted") { node.metrics.inflatedMessages.value == count }
            let isCompressed = compression != .off && socket.extensions != nil
            #expect((socket.compressedCount > 20) == isCompressed)
            #expect(node.metrics.inflationsRefused.value == 0)
        }
    }

    /// The next publication; that it was published may be told before it or behind.
    private func publication(on socket: WebSocketClient) throws -> Message {
        while true {
            let message = try socket.next()
            if message.type != "published" { return message }
        }
    }

    private func send(_ payload: [UInt8], in fragmentBytes: Int, on socket: WebSocketClient) throws {
        guard fragmentBytes > 0 else { return try socket.send(.text, payload, isCompressed: true) }
        for start in stride(from: 0, to: payload.count, by: fragmentBytes) {
            let end = min(start + fragmentBytes, payload.count)
            try socket.send(
                start == 0 ? .text : .continuation,
                Array(payload[start..<end]),
                isFinal: end == payload.count,
                isCompressed: start == 0
            )
        }
    }

    @Test("what clients must not send is answered with the right code, and costs nobody else anything")
    func hostile() throws {
        let deflater = StreamDeflater()
        func deflated(_ text: String) -> [UInt8] { deflater.deflate(message: Array(text.utf8)) }
        let bomb = deflater.deflate(message: [UInt8](repeating: 0x20, count: 20_000_000))
        let rows: [(String, Int, (WebSocketClient) throws -> Void)] = [
            ("a bomb", 1_009, { try $0.send(.text, bomb, isCompressed: true) }),
            (
                "one byte too much", 1_009,
                {
                    try $0.send(.text, deflated(String(repeating: " ", count: 65_537)), isCompressed: true)
                }
            ),
            ("noise", 1_007, { try $0.send(.text, [0xFF, 0x17, 0x80, 0x01], isCompressed: true) }),
            (
                "half a message", 1_007,
                {
                    try $0.send(.text, Array(deflated("{\"type\":\"ping\"} and more").dropLast(6)), isCompressed: true)
                }
            ),
            ("nothing at all, which is no message", 1_007, { try $0.send(.text, [], isCompressed: true) }),
            (
                "what is no UTF-8", 1_007,
                {
                    try $0.send(.text, deflater.deflate(message: [0x22, 0xC0, 0x80, 0x22]), isCompressed: true)
                }
            ),
            ("bytes", 1_003, { try $0.send(.binary, deflated("{}"), isCompressed: true) }),
            ("a compressed ping", 1_002, { try $0.send(.ping, [], isCompressed: true) }),
            ("a compressed close", 1_002, { try $0.send(.close, [], isCompressed: true) }),
            (
                "a compressed continuation", 1_002,
                {
                    try $0.send(.text, deflated("{}"), isFinal: false, isCompressed: true)
                    try $0.send(.continuation, [0], isCompressed: true)
                }
            ),
            (
                "what refers to the message before", 1_007,
                {
                    let keeping = StreamDeflater()
                    try $0.send(.text, keeping.deflate(message: Array("{\"type\":\"ping\"}".utf8)), isCompressed: true)
                    _ = try $0.next("pong")
                    // Four bytes from 15 bytes back, of which there are none in a message by itself.
                    try $0.send(.text, [0x02, 0x73, 0x00], isCompressed: true)
                }
            ),
        ]
        try withCompressingNode { node in
            let reader = try node.webSocket("?channel=a", fields: Support.offer)
            try reader.begin()
            for (what, code, send) in rows {
                let socket = try node.webSocket(fields: Support.offer)
                try socket.begin(0)
                try send(socket)
                #expect(try socket.nextClose().code == code, "\(what)")
            }
            #expect(node.metrics.inflatedBytes.value < 65_537 * rows.count)
            // One that agreed on nothing.
            let plain = try node.webSocket()
            try plain.begin(0)
            try plain.send(.text, deflated("{\"type\":\"ping\"}"), isCompressed: true)
            #expect(try plain.nextClose().code == 1_002)
            // And one that is well goes on, compressed or not.
            try node.publish("a", Support.ticks(5), json: true)
            try expectTicks(0..<5, on: reader)
            try reader.send(.text, deflated("{\"type\":\"ping\"}"), isCompressed: true)
            try reader.next("pong")
            try reader.send("{\"type\":\"ping\"}")
            try reader.next("pong")
        }
    }

    @Test("who comes later is sent what is not compressed until the feed begins anew, and nobody misses anything")
    func joins() throws {
        try withCompressingNode {
            $0.limits.compressionFlushBytes = 8_000
        } _: { node in
            let plain = try node.webSocket("?channel=a")
            try plain.begin()
            var readers: [WebSocketClient] = []
            let ticks = Support.ticks(300)
            for round in 0..<10 {
                let reader = try node.webSocket("?channel=a", fields: Support.offer)
                try reader.begin()
                readers.append(reader)
                let numbers = round * 30..<round * 30 + 30
                try node.publish("a", Array(ticks[numbers]), json: true)
                for reader in readers { try expectTicks(numbers, on: reader) }
                try expectTicks(numbers, on: plain)
            }
            #expect(readers[0].compressedCount == 300)
            for (round, reader) in readers.enumerated() {
                // Eight thousand bytes are some fifty ticks.
                #expect(reader.compressedCount > (10 - round) * 30 - 60, "\(round)")
                #expect(reader.compressedCount <= (10 - round) * 30)
            }
            #expect(readers[1].compressedCount < 270)
            #expect((4...9).contains(node.metrics.hub.compressionFlushes.value))
            try eventually("it is counted") { node.metrics.hub.compressionWindows.value == 1 }
            try eventually("it is counted") { node.metrics.hub.compressedMessages.value == 300 }
            for reader in readers { reader.close() }
            try eventually("the window is given back") { node.metrics.hub.compressionWindows.value == 0 }
        }
    }

    /// The bar of this feature: a quarter of the bytes, with readers that come and go.
    @Test(
        "twenty readers of ticks cost a quarter of the bytes, and a third while others come and go",
        arguments: [0, 20]
    )
    func ratio(newcomers: Int) throws {
        func bytes(_ fields: [(String, String)]) throws -> Int {
            var count = 0
            try withCompressingNode { node in
                var readers = try (0..<20).map { _ in try node.webSocket("?channel=ticks", fields: fields) }
                for reader in readers { try reader.begin() }
                let before = node.bytesSentToReaders
                let ticks = Support.ticks(2_000)
                for round in 0..<20 {
                    if newcomers > 0 {
                        readers.removeFirst().close()
                        readers.append(try node.webSocket("?channel=ticks", fields: fields))
                        try readers[19].begin()
                    }
                    let numbers = round * 100..<round * 100 + 100
                    try node.publish("ticks", Array(ticks[numbers]), json: true)
                    for reader in readers { try expectTicks(numbers, on: reader) }
                }
                count = node.bytesSentToReaders - before
            }
            return count
        }
        let (plain, compressed) = (try bytes([]), try bytes(Support.offer))
        let ratio = Double(plain) / Double(compressed)
        #expect(ratio >= (newcomers > 0 ? 3 : 4), "\(plain) bytes became \(compressed)")
    }

    @Test("a client reads one feed with what came before, others as they are, and each in its order")
    func severalFeeds() throws {
        try withCompressingNode([("off", .off), ("alone", .alone), ("**", .shared)]) {
            $0.limits.compressionFlushBytes = 500
        } _: { node in
            let channels = ["a", "b", "off", "alone"]
            let socket = try node.webSocket("?channel=a&channel=b&channel=off&channel=alone", fields: Support.offer)
            try socket.begin(4)
            let second = try node.webSocket("?channel=b", fields: Support.offer)
            try second.begin()
            var numbers = [String: Int]()
            for (place, tick) in Support.ticks(200).enumerated() {
                let channel = channels[place % 4]
                try node.publish(channel, [tick], json: true)
                let message = try socket.next("message")
                #expect(message.channel == channel)
                #expect(Support.number(message) == place)
                if channel == "b" { try expectTicks(place..<place + 1, on: second) }
                numbers[channel, default: 0] += 1
                if place == 120 {
                    try socket.send("{\"type\":\"unsubscribe\",\"channel\":\"alone\"}")
                    try socket.next("unsubscribed")
                    try socket.send("{\"type\":\"subscribe\",\"channel\":\"alone\"}")
                    try socket.next("subscribed")
                }
            }
            #expect(second.compressedCount == 50)
            #expect(socket.compressedCount > 40)
        }
    }

    @Test("what does not become smaller is left alone after a while, and so is what is small")
    func incompressible() throws {
        try withCompressingNode { node in
            let socket = try node.webSocket("?channel=a&format=raw", fields: Support.offer)
            var random = SeededGenerator(seed: 3)
            let noise = (0..<100).map { _ in (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &random) } }
            try eventually("it reads") { node.metrics.hub.subscriptions.value == 1 }
            for bytes in noise {
                try node.publish("a", [bytes])
                #expect(try socket.nextFrame() == .binary(bytes))
            }
            #expect(socket.compressedCount <= 7)
            let before = socket.compressedCount
            for number in 0..<20 {
                try node.publish("a", "\(number)")
                #expect(try socket.nextFrame() == .text("\(number)"))
            }
            #expect(socket.compressedCount == before)
            try eventually("it is counted") { node.metrics.hub.uncompressedMessages.value >= 113 }
        }
    }

    @Test("a feed without messages gives its window back, and goes on with another one")
    func idle() throws {
        try withCompressingNode {
            $0.limits.compressionIdleMilliseconds = 200
        } _: { node in
            let socket = try node.webSocket("?channel=a", fields: Support.offer)
            try socket.begin()
            let ticks = Support.ticks(30)
            for round in 0..<3 {
                try node.publish("a", Array(ticks[round * 10..<round * 10 + 10]), json: true)
                try expectTicks(round * 10..<round * 10 + 10, on: socket)
                try eventually("the window is given back") { node.metrics.hub.compressionWindows.value == 0 }
            }
            #expect(socket.compressedCount == 30)
        }
    }

    @Test("with as many windows in use as there may be, others read what is not compressed")
    func windows() throws {
        try withCompressingNode {
            $0.limits.compressedFeedsMax = 1
        } _: { node in
            let sockets = try (0..<3).map { try node.webSocket("?channel=\($0)", fields: Support.offer) }
            for socket in sockets { try socket.begin() }
            for channel in 0..<3 { try node.publish("\(channel)", Support.ticks(10), json: true) }
            for socket in sockets { try expectTicks(0..<10, on: socket) }
            #expect(sockets.map(\.compressedCount) == [10, 0, 0])
            try eventually("it is counted") { node.metrics.hub.compressionWindowsRefused.value > 0 }
            sockets[0].close()
            try eventually("the first is gone") { node.metrics.hub.compressionWindows.value == 0 }
            try node.publish("1", Support.ticks(10), json: true)
            try expectTicks(0..<10, on: sockets[1])
            #expect(sockets[1].compressedCount == 10)
        }
    }

    @Test("rules that allow it no longer hold for feeds that are read, and so do those that allow it again")
    func rulesChange() throws {
        var configuration = EdgeConfiguration()
        configuration.port = 0
        configuration.rules = try Support.rules([("**", .shared)])
        let node = try TestNode(configuration)
        defer { node.stop() }
        let socket = try node.webSocket("?channel=a", fields: Support.offer)
        let stream = try node.eventStream("?channel=a", fields: Support.fields(.deflate))
        try socket.begin()
        try stream.begin()
        var counts: [Int] = []
        for compression in [Compression.shared, .off, .shared] {
            configuration.rules = try Support.rules([("**", compression)])
            node.node.change(to: configuration)
            try eventually("the rules hold") {
                let before = socket.compressedCount
                try node.publish("a", Support.ticks(1), json: true)
                try expectTicks(0..<1, on: socket)
                try stream.next()
                return (socket.compressedCount > before) == (compression == .shared)
            }
            let before = socket.compressedCount
            try node.publish("a", Support.ticks(10), json: true)
            try expectTicks(0..<10, on: socket)
            for _ in 0..<10 { try stream.next() }
            counts.append(socket.compressedCount - before)
        }
        #expect(counts == [10, 0, 10])
    }

    @Test("a slow reader is moved on as ever, and reads what follows", arguments: SlowReaderPolicy.allCases)
    func slowReaders(policy: SlowReaderPolicy) throws {
        try withCompressingNode { configuration in
            configuration.slowReader = policy
            configuration.limits.windowBytesMax = 16_384
            configuration.limits.compressionFlushBytes = 4_096
        } _: { node in
            let slow = try node.webSocket("?channel=a", receiveBytes: 8_192, fields: Support.offer)
            let fast = try node.webSocket("?channel=a", fields: Support.offer)
            try slow.begin()
            try fast.begin()
            var random = SeededGenerator(seed: 9)
            var next = 0
            func publish() throws {
                let noise = String(
                    (0..<4_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 65...90, using: &random))) }
                )
                try node.publish("a", "{\"number\":\(next),\"noise\":\"\(noise)\"}", json: true)
                try expectTicks(next..<next + 1, on: fast)
                next += 1
            }
            let actions = {
                node.metrics.hub.disconnects.value + node.metrics.hub.skips.value + node.metrics.hub.latests.value
                    + node.metrics.hub.merges.value
            }
            while actions() == 0, next < 3_000 { try publish() }
            #expect(actions() > 0)
            var expected = 0
            while policy != .merge || expected < next {
                let message = try slow.next()
                if message.type == "gap" {
                    #expect(policy != .disconnect)
                    guard policy == .merge else { break }
                    // It goes on with what history still has.
                    expected = next - Limits().historyCountMax
                    continue
                }
                if message.type == "bye" {
                    #expect(policy == .disconnect)
                    return
                }
                #expect(Support.number(message) == expected)
                expected += 1
            }
            #expect(expected > 0 && expected < next || policy == .merge)
            if policy == .latest { try expectTicks(next - 1..<next, on: slow) }
            let before = slow.compressedCount
            for _ in 0..<20 {
                try publish()
                try expectTicks(next - 1..<next, on: slow)
            }
            #expect(slow.compressedCount > before)
        }
    }

    @Test("a client that comes back with its cursor is told what it missed, and then reads what is compressed")
    func resumes() throws {
        try withCompressingNode {
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            let stays = try node.webSocket("?channel=a", fields: Support.offer)
            try stays.begin()
            let ticks = Support.ticks(90)
            var cursor = ""
            for round in 0..<3 {
                let socket = try node.webSocket("?channel=a\(cursor)", fields: Support.offer)
                try socket.begin()
                let missed = round == 0 ? 0 : 20
                try expectTicks(round * 30 - missed..<round * 30, on: socket)
                let positions = try node.publish("a", Array(ticks[round * 30..<round * 30 + 30]), json: true)
                try expectTicks(round * 30..<round * 30 + 10, on: socket)
                #expect(socket.compressedCount >= 9)
                cursor = "&cursor=a@\(positions[9])"
                socket.close()
                try expectTicks(round * 30..<round * 30 + 30, on: stays)
            }
        }
    }
}
