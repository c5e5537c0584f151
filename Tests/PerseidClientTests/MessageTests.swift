import Broker
import Testing

@testable import PerseidClient

/// What nodes say, and what is no word of theirs.
@Suite struct MessageTests {
    private func read(_ json: String) throws -> ServerMessage {
        try Array(json.utf8).withUnsafeBytes { try ServerMessage($0) }
    }

    @Test("payloads are read byte for byte")
    func payloads() throws {
        for (json, bytes, text) in [
            (#""a\u00fc\n\"""#, Array("aü\n\"".utf8), "aü\n\""), ("{\"b\": 1}", Array("{\"b\": 1}".utf8), nil),
            ("null", Array("null".utf8), nil), ("17.50", Array("17.50".utf8), nil),
        ] as [(String, [UInt8], String?)] {
            guard
                case .message(let channel, let position, let payload, _) = try read(
                    "{\"type\":\"message\",\"channel\":\"a\",\"position\":\"1-2\",\"data\":\(json)}"
                )
            else { throw TestFailure("no message") }
            #expect(channel.text == "a" && position.map { "\($0)" } == "1-2")
            #expect(payload.bytes == bytes && payload.text == text)
        }
        guard case .message(_, nil, let payload, _) = try read(#"{"type":"message","channel":"a","data64":"AP8="}"#)
        else {
            throw TestFailure("no message")
        }
        #expect(payload == .bytes([0, 255]) && payload.bytes == [0, 255])
    }

    @Test("a key, what a newcomer is told, and that there is nothing any more")
    func keys() throws {
        let text = #"{"type":"message","channel":"a","position":"1-2","key":"e\u00fcr","snapshot":true,"data":1}"#
        guard case .message(_, _, let payload, let marks) = try read(text) else { throw TestFailure("no message") }
        #expect(marks == ServerMessage.Marks(key: "e\u{fc}r", isSnapshot: true) && payload.text == nil)
        let removed = #"{"type":"message","channel":"a","position":"1-2","key":"eur","removed":true}"#
        guard case .message(_, _, .removal, ServerMessage.Marks(key: "eur")) = try read(removed) else {
            throw TestFailure("no removal")
        }
    }

    @Test(
        "nonsense is told apart from what a later version may say",
        arguments: [
            "", "{", "[]", "7", "{}", #"{"type":7}"#, #"{"type":"message"}"#, #"{"type":"message","channel":"a"}"#,
            #"{"type":"message","channel":"a//b","data":1}"#, #"{"type":"message","channel":7,"data":1}"#,
            #"{"type":"message","channel":"a","data64":"A"}"#, #"{"type":"gap","channel":"a","from":"x","to":"1-0"}"#,
        ]
    )
    func nonsense(_ json: String) throws {
        #expect(throws: PerseidError.self) { try read(json) }
        guard case .other = try read(#"{"type":"something new","more":[1,2]}"#) else {
            throw TestFailure("not passed over")
        }
    }

    @Test("numbers that do not fit are none")
    func numbers() throws {
        for number in ["-1", "1e300", "99999999999999999999999", "1.5", "\"7\"", "null", "[]"] {
            guard case .welcome(_, _, nil) = try read("{\"type\":\"welcome\",\"heartbeat\":\(number)}") else {
                throw TestFailure("\(number) was taken")
            }
            guard case .bye(let error) = try read("{\"type\":\"bye\",\"code\":\(number),\"after\":\(number)}") else {
                throw TestFailure("no goodbye")
            }
            #expect(error.retryMilliseconds == nil && !error.isFinal)
        }
    }
}
