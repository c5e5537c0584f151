import Testing
import Wire

@Suite("WebSocket encoder")
struct WebSocketEncoderTests {
    static let borders = [0, 1, 125, 126, 127, 65_535, 65_536]

    @Test("round trip at the borders of the length forms, to a client", arguments: borders)
    func toClient(count: Int) {
        let payload = [UInt8](repeating: 0x61, count: count)
        let bytes = payload.withUnsafeBytes { payload in
            written {
                WebSocketEncoder.appendText(payload, to: &$0)
                WebSocketEncoder.appendBinary(payload, to: &$0)
            }
        }
        #expect(bytes.count == 2 * (WebSocketEncoder.headerCount(payloadCount: count) + count))
        #expect(Array(bytes[..<(bytes.count / 2)]) == frame(0x81, payload, mask: nil))
        var reader = WebSocketReader(role: .client)
        reader.feed(bytes)
        #expect(reader.events == [.text(payload), .binary(payload)])
    }

    @Test("round trip at the borders of the length forms, to a server", arguments: borders)
    func toServer(count: Int) {
        let payload = [UInt8](repeating: 0x61, count: count)
        let bytes = payload.withUnsafeBytes { payload in
            written {
                WebSocketEncoder.appendText(payload, mask: 0x37FA_213D, to: &$0)
                WebSocketEncoder.appendBinary(payload, mask: 0, to: &$0)
            }
        }
        #expect(bytes.count == 2 * (WebSocketEncoder.headerCount(payloadCount: count, isMasked: true) + count))
        #expect(Array(bytes[..<(bytes.count / 2)]) == frame(0x81, payload))
        var reader = WebSocketReader()
        reader.feed(bytes)
        #expect(reader.events == [.text(payload), .binary(payload)])
    }

    @Test("fragments and reserved bits")
    func fragments() {
        let bytes = written {
            WebSocketEncoder.appendHeader(.text, payloadCount: 0, isFinal: false, to: &$0)
            WebSocketEncoder.appendHeader(.continuation, payloadCount: 0, to: &$0)
            WebSocketEncoder.appendHeader(.binary, payloadCount: 0, isCompressed: true, to: &$0)
        }
        #expect(bytes == [0x01, 0, 0x80, 0, 0xC2, 0])
    }

    @Test("ping, pong and close, masked and not", arguments: [nil, 0x0102_0304] as [UInt32?])
    func control(mask: UInt32?) {
        let bytes = [UInt8]("tick".utf8).withUnsafeBytes { payload in
            written {
                WebSocketEncoder.appendPing(payload, mask: mask, to: &$0)
                WebSocketEncoder.appendPong(payload, mask: mask, to: &$0)
                WebSocketEncoder.appendClose(.goingAway, reason: payload, mask: mask, to: &$0)
            }
        }
        var reader = WebSocketReader(role: mask == nil ? .client : .server)
        reader.feed(bytes)
        let tick = Array("tick".utf8)
        #expect(reader.events == [.ping(tick), .pong(tick), .close(1001, tick)])
    }

    @Test("close without code, without reason, and for every failure")
    func close() {
        #expect(written { WebSocketEncoder.appendClose(.noStatusReceived, to: &$0) } == [0x88, 0])
        #expect(written { WebSocketEncoder.appendClose(.normal, to: &$0) } == [0x88, 2, 0x03, 0xE8])
        for failure in WebSocketFailure.allCases {
            var reader = WebSocketReader(role: .client)
            reader.feed(written { WebSocketEncoder.appendClose(failure, to: &$0) })
            #expect(reader.events == [.close(failure.closeCode.rawValue, "\(failure.reason)")])
        }
    }

    @Test("a long close reason is cut between two characters", arguments: 120...130)
    func longReason(asciiCount: Int) {
        let reason = [UInt8](repeating: 0x61, count: asciiCount) + Array("😀€é".utf8)
        let bytes = reason.withUnsafeBytes { reason in
            written { WebSocketEncoder.appendClose(.normal, reason: reason, to: &$0) }
        }
        var reader = WebSocketReader(role: .client)
        reader.feed(bytes)
        guard case .close(1000, let received) = reader.events.first else {
            Issue.record("no close: \(reader.events)")
            return
        }
        #expect(received.count <= 123)
        #expect(received.count >= 120)
        #expect(reason.starts(with: received))
    }
}
