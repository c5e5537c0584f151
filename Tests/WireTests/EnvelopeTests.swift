import Testing
import Wire

@Suite("Envelope")
struct EnvelopeTests {
    /// What `write` appends, after a check that it is a JSON object on one line.
    private func object(_ write: (inout ByteBuffer) -> Void) -> String {
        let bytes = written(write)
        let kind = bytes.withUnsafeBytes { JSONText.kind(of: $0) }
        #expect(kind == .object)
        #expect(!bytes.contains { $0 < 0x20 })
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lends the bytes of up to two texts.
    private func lend(
        _ first: String,
        _ second: String = "",
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> String
    ) -> String {
        Array(first.utf8).withUnsafeBytes { first in
            Array(second.utf8).withUnsafeBytes { second in body(first, second) }
        }
    }

    @Test("message")
    func message() {
        let json = lend("a", #"{"title":"hello"}"#) { channel, data in
            object {
                Envelope.appendMessage(
                    channel: channel,
                    position: (1_763_881_234_567, 0),
                    payload: .json(data),
                    to: &$0
                )
            }
        }
        #expect(json == #"{"type":"message","channel":"a","position":"1763881234567-0","data":{"title":"hello"}}"#)

        let text = lend("a \"quoted\" channel", "line\nbreak") { channel, data in
            object { Envelope.appendMessage(channel: channel, position: nil, payload: .text(data), to: &$0) }
        }
        #expect(text == #"{"type":"message","channel":"a \"quoted\" channel","data":"line\nbreak"}"#)

        let binary = lend("chat/größe", "\u{0}binary") { channel, data in
            object { Envelope.appendMessage(channel: channel, position: (.max, .max), payload: .binary(data), to: &$0) }
        }
        #expect(
            binary
                == #"{"type":"message","channel":"chat/größe","position":"18446744073709551615-18446744073709551615","data64":"AGJpbmFyeQ=="}"#
        )
    }

    @Test("welcome")
    func welcome() {
        let withSession = object {
            Envelope.appendWelcome(session: "id.secret", node: "n1", heartbeatSeconds: 25, to: &$0)
        }
        #expect(withSession == #"{"type":"welcome","session":"id.secret","node":"n1","heartbeat":25}"#)
        let without = object { Envelope.appendWelcome(session: nil, node: "n1", heartbeatSeconds: 25, to: &$0) }
        #expect(without == #"{"type":"welcome","node":"n1","heartbeat":25}"#)
    }

    @Test("subscribed, unsubscribed, published")
    func answers() {
        let subscribed = lend("a", "7") { channel, id in
            object {
                Envelope.appendSubscribed(id: id, channel: channel, position: (12, 3), recovered: true, to: &$0)
            }
        }
        #expect(subscribed == #"{"type":"subscribed","id":7,"channel":"a","position":"12-3","recovered":true}"#)
        let lost = lend("a", #""x""#) { channel, id in
            object { Envelope.appendSubscribed(id: id, channel: channel, position: nil, recovered: false, to: &$0) }
        }
        #expect(lost == #"{"type":"subscribed","id":"x","channel":"a","recovered":false}"#)
        let bare = lend("a") { channel, _ in
            object { Envelope.appendSubscribed(id: nil, channel: channel, position: (0, 0), recovered: nil, to: &$0) }
        }
        #expect(bare == #"{"type":"subscribed","channel":"a","position":"0-0"}"#)
        let unsubscribed = lend("a", "8") { channel, id in
            object { Envelope.appendUnsubscribed(id: id, channel: channel, to: &$0) }
        }
        #expect(unsubscribed == #"{"type":"unsubscribed","id":8,"channel":"a"}"#)
        let published = lend("a", "9") { channel, id in
            object { Envelope.appendPublished(id: id, channel: channel, position: (1, 2), to: &$0) }
        }
        #expect(published == #"{"type":"published","id":9,"channel":"a","position":"1-2"}"#)
    }

    @Test("gap, error, pong, bye")
    func rest() {
        let gap = lend("a") { channel, _ in
            object { Envelope.appendGap(channel: channel, from: (1, 0), to: (5, 1), into: &$0) }
        }
        #expect(gap == #"{"type":"gap","channel":"a","from":"1-0","to":"5-1"}"#)
        let error = lend("7") { id, _ in
            object { Envelope.appendError(id: id, code: 403, message: "not \"yours\"", to: &$0) }
        }
        #expect(error == #"{"type":"error","id":7,"code":403,"message":"not \"yours\""}"#)
        let anonymous = object { Envelope.appendError(id: nil, code: 400, message: "bad", to: &$0) }
        let unread = object { Envelope.appendError(id: nil, channel: "a\"b", code: 403, message: "no", to: &$0) }
        #expect(unread == #"{"type":"error","channel":"a\"b","code":403,"message":"no"}"#)
        #expect(anonymous == #"{"type":"error","code":400,"message":"bad"}"#)
        let pong = lend("7") { id, _ in object { Envelope.appendPong(id: id, to: &$0) } }
        #expect(pong == #"{"type":"pong","id":7}"#)
        #expect(object { Envelope.appendPong(id: nil, to: &$0) } == #"{"type":"pong"}"#)
        let bye = object {
            Envelope.appendBye(
                code: 4_001,
                reason: "taken over",
                reconnect: true,
                afterMilliseconds: 1_500,
                to: &$0
            )
        }
        #expect(bye == #"{"type":"bye","code":4001,"reason":"taken over","reconnect":true,"after":1500}"#)
        let end = object {
            Envelope.appendBye(code: 1_000, reason: "", reconnect: false, afterMilliseconds: 0, to: &$0)
        }
        #expect(end == #"{"type":"bye","code":1000,"reason":"","reconnect":false,"after":0}"#)
    }
}
