import TestRandomness
import Testing
import Wire

@Suite("WebSocket codec, random")
struct WebSocketRandomTests {
    /// A random conversation from a client, and what it says.
    private func conversation(using generator: inout SeededGenerator) -> (bytes: [UInt8], events: [RecordedEvent]) {
        var bytes: [UInt8] = []
        var events: [RecordedEvent] = []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let isText = Bool.random(using: &generator)
            let count = Int.random(in: 0...40, using: &generator)
            let payload = isText ? generator.text(count: count) : generator.bytes(count: count)
            var start = 0
            var opcode: WebSocketOpcode = isText ? .text : .binary
            while true {
                let isLast = Int.random(in: 0..<3, using: &generator) == 0
                let end = isLast ? payload.count : Int.random(in: start...payload.count, using: &generator)
                append(opcode, Array(payload[start..<end]), isFinal: isLast, to: &bytes, using: &generator)
                if isLast { break }
                if Bool.random(using: &generator) {
                    let beat = generator.bytes(count: Int.random(in: 0...125, using: &generator))
                    append(.ping, beat, isFinal: true, to: &bytes, using: &generator)
                    events.append(.ping(beat))
                }
                start = end
                opcode = .continuation
            }
            events.append(isText ? .text(payload) : .binary(payload))
        }
        return (bytes, events)
    }

    private func append(
        _ opcode: WebSocketOpcode,
        _ payload: [UInt8],
        isFinal: Bool,
        to bytes: inout [UInt8],
        using generator: inout SeededGenerator
    ) {
        let mask = UInt32.random(in: 0 ... .max, using: &generator)
        bytes += payload.withUnsafeBytes { payload in
            written { WebSocketEncoder.appendFrame(opcode, payload: payload, isFinal: isFinal, mask: mask, to: &$0) }
        }
    }

    /// Feeds bytes in random pieces.
    private func read(_ bytes: [UInt8], using generator: inout SeededGenerator) -> WebSocketReader {
        var reader = WebSocketReader()
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...50, using: &generator))
            reader.feed(Array(bytes[start..<end]))
            start = end
        }
        return reader
    }

    @Test("conversations come out as they went in, however they are cut")
    func roundTrips() {
        var generator = SeededGenerator(seed: 6_455)
        for iteration in 0..<3_000 {
            let (bytes, events) = conversation(using: &generator)
            let reader = read(bytes, using: &generator)
            #expect(reader.events == events, "seed 6455, iteration \(iteration)")
            #expect(reader.kept.isEmpty, "seed 6455, iteration \(iteration)")
        }
    }

    @Test("mutated conversations never trap, never get stuck, and end the same however they are cut")
    func mutations() {
        var generator = SeededGenerator(seed: 1_007)
        var failures = 0
        for iteration in 0..<25_000 {
            var (bytes, _) = conversation(using: &generator)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                default: bytes.removeSubrange(index...)
                }
                if bytes.isEmpty { bytes = [0x81] }
            }
            var whole = WebSocketReader()
            whole.feed(bytes)
            let pieces = read(bytes, using: &generator)
            if case .failure = whole.events.last { failures += 1 }
            let isSame = whole.events == pieces.events && whole.kept.count == pieces.kept.count
            #expect(isSame, "seed 1007, iteration \(iteration)")
            #expect(!whole.isStuck && !pieces.isStuck, "seed 1007, iteration \(iteration)")
        }
        #expect(failures > 5_000)
    }

    @Test("noise never traps")
    func noise() {
        var generator = SeededGenerator(seed: 99)
        for iteration in 0..<20_000 {
            let bytes = generator.bytes(count: Int.random(in: 1...64, using: &generator))
            for role in [WebSocketDecoder.Role.server, .client] {
                var reader = WebSocketReader(role: role, messageBytesMax: 40, allowsCompression: iteration % 2 == 0)
                reader.feed(bytes)
                #expect(!reader.isStuck, "seed 99, iteration \(iteration)")
            }
        }
    }
}
