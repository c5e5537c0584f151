import Testing

@testable import Crowd

/// What nodes say, as clients read it.
@Suite struct MessageTests {
    @Test func aPublicationIsReadWhole() {
        let text =
            #"{"type":"message","channel":"ten/17","position":"1795827736385-3","data":"0000002a00000007000000000000012cxx"}"#
        let expected = Message.Publication(
            kind: 2,
            channel: 17,
            position: Position(milliseconds: 1_795_827_736_385, number: 3),
            publication: 42,
            sequence: 7,
            nanoseconds: 300
        )
        #expect(message(text) == .publication(expected))
    }

    @Test(arguments: [
        #"{"type":"message","channel":"ten/","position":"1-0","data":"0000002a00000007000000000000012c"}"#,
        #"{"type":"message","channel":"ten/17","position":"1","data":"0000002a00000007000000000000012c"}"#,
        #"{"type":"message","channel":"all","position":"1-0","data":"0000002a0000000700000000"}"#,
        #"{"type":"message","channel":"all","position":"1-0","data":"0000002g00000007000000000000012c"}"#,
        #"{"type":"other"}"#, "", "{",
    ])
    func anythingElseIsMalformed(_ text: String) {
        #expect(message(text) == .malformed)
    }

    @Test func aReturnThatWasNotRecoveredIsSeen() {
        let text = #"{"type":"subscribed","id":1,"channel":"thousand/3","position":"5-0","recovered":"#
        let position = Position(milliseconds: 5, number: 0)
        #expect(message(text + "true}") == .subscribed(kind: 1, number: 3, position: position, isRecovered: true))
        #expect(message(text + "false}") == .subscribed(kind: 1, number: 3, position: position, isRecovered: false))
    }

    @Test func aFarewellSaysWhenToComeBack() {
        let text = #"{"type":"bye","code":4000,"reason":"the node is going away","reconnect":true,"after":2345}"#
        #expect(message(text) == .bye(afterMilliseconds: 2345))
    }

    @Test(arguments: [0, 7, 8, 15, 16, 1_000, 999_999, UInt64.max])
    func aBucketHoldsItsValue(_ microseconds: UInt64) {
        let bucket = Histogram.bucket(of: microseconds)
        #expect((0..<Histogram.bucketCount).contains(bucket))
        #expect(microseconds == 0 || Histogram.bucket(of: microseconds - 1) <= bucket)
        #expect(microseconds < 16 ? bucket == Int(microseconds) : bucket >= 16)
    }

    private func message(_ text: String) -> Message {
        Array(text.utf8).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return .malformed }
            return Message(start, count: bytes.count)
        }
    }
}
