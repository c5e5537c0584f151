import Testing

@testable import Wire

@Suite("Bayeux: clocks")
struct BayeuxClockTests {
    /// What is appended to an answer for a client whose clock is this.
    private static func answer(_ json: String) -> String? {
        var json = json
        let clock = json.withUTF8 { BayeuxClock(UnsafeRawBufferPointer($0)) }
        return clock.map {
            var buffer = ByteBuffer()
            $0.append(receivedMilliseconds: 1_000, sentMilliseconds: 1_007, to: &buffer)
            return String(decoding: buffer.bytes, as: UTF8.self)
        }
    }

    @Test("a client is told the time, and how far off what it knows is")
    func told() {
        #expect(Self.answer(#"{"tc":900}"#) == #""timesync":{"tc":900,"ts":1000,"p":7}"#)
        #expect(Self.answer(#"{"tc":900.5,"l":10,"o":20}"#) == #""timesync":{"tc":900.5,"ts":1000,"p":7,"a":-69.5}"#)
        #expect(Self.answer(#"{"tc":900,"l":10,"o":90}"#) == "", "it is near enough")
    }

    @Test(
        "numbers that no clock shows are none, so that the answer stays JSON",
        arguments: [#"{"tc":1e999}"#, #"{"tc":-1e300}"#, #"{"tc":1e16,"l":0}"#]
    )
    func beyond(json: String) {
        #expect(Self.answer(json) == nil)
    }

    @Test("a lag or an offset that is too large counts as absent")
    func beyondElsewhere() {
        #expect(
            Self.answer(#"{"tc":900,"l":0,"o":1e999}"#) == #""timesync":{"tc":900,"ts":1000,"p":7,"a":-100}"#
        )
        #expect(Self.answer(#"{"tc":900,"l":1.7e308,"o":1.7e308}"#) == #""timesync":{"tc":900,"ts":1000,"p":7}"#)
    }
}
