import Broker
import Crypto
import Foundation
import Testing

@testable import Hooks

@Suite("Answers and signatures of backends")
struct HookAnswerTests {
    private func outcome(_ hook: HookName, _ body: String, status: Int = 200) -> HookOutcome {
        HookOutcome(
            HTTPReply(status: status, body: Array(body.utf8), cacheControl: nil),
            to: hook,
            payloadBytesMax: 100
        )
    }

    private func kind(_ outcome: HookOutcome) -> String {
        switch outcome {
        case .allowed: "yes"
        case .refused: "no"
        case .failed(let failure): failure.rawValue
        }
    }

    @Test(
        "yes and no must be said, and whatever else there is must be right",
        arguments: [
            (HookName.subscribe, 200, #"{"allow":true}"#, "yes"), (.subscribe, 204, #"{"allow":true}"#, "yes"),
            (.subscribe, 200, #"{"allow":false}"#, "no"), (.subscribe, 403, "", "no"), (.subscribe, 403, "{", "no"),
            (.subscribe, 200, "", "answer"), (.subscribe, 200, "{}", "answer"), (.subscribe, 200, "[]", "answer"),
            (.subscribe, 200, #"{"allow":"true"}"#, "answer"), (.subscribe, 200, #"{"allow":1}"#, "answer"),
            (.subscribe, 200, #"{"allow":null}"#, "answer"), (.subscribe, 200, #"{"error":"no such user"}"#, "answer"),
            (.subscribe, 200, "rubbish", "answer"), (.subscribe, 200, #"{"allow":true"#, "answer"),
            (.subscribe, 302, #"{"allow":true}"#, "status"), (.subscribe, 500, #"{"allow":true}"#, "status"),
            (.subscribe, 401, "", "status"), (.subscribe, 404, "", "status"),
            (.connect, 200, #"{"allow":true,"user":"a"}"#, "yes"),
            (.connect, 200, #"{"allow":true,"user":""}"#, "answer"),
            (.connect, 200, #"{"allow":true,"user":7}"#, "answer"),
            (.connect, 200, #"{"allow":true,"user":null}"#, "yes"),
            (.connect, 200, #"{"allow":true,"info":[]}"#, "answer"),
            (.connect, 200, #"{"allow":true,"channels":"a"}"#, "answer"),
            (.connect, 200, #"{"allow":true,"channels":["a/*/b"]}"#, "answer"),
            (.connect, 200, #"{"allow":true,"channels":[7]}"#, "answer"),
            (.connect, 200, #"{"allow":true,"expires":"soon"}"#, "answer"),
            (.connect, 200, #"{"allow":true,"expires":-1}"#, "answer"),
            (.publish, 200, #"{"allow":true,"data":null}"#, "yes"),
            (.publish, 200, #"{"allow":true,"data64":"AAE="}"#, "yes"),
            (.publish, 200, #"{"allow":true,"data64":"A"}"#, "answer"),
            (.publish, 200, #"{"allow":true,"data":1,"data64":"AAE="}"#, "answer"),
            (.call, 200, #"{"data":1}"#, "yes"), (.call, 200, #"{"data":null}"#, "yes"), (.call, 200, "{}", "answer"),
            (.call, 200, #"{"error":"no"}"#, "no"), (.call, 200, #"{"error":7}"#, "answer"),
            (.call, 200, #"{"error":"no","code":200}"#, "answer"),
            (.call, 200, #"{"error":"no","code":99999}"#, "answer"), (.call, 403, "", "no"),
            (.disconnect, 200, "rubbish", "yes"), (.disconnect, 500, "", "status"),
        ]
    )
    func answers(_ hook: HookName, _ status: Int, _ body: String, _ expected: String) {
        #expect(kind(outcome(hook, body, status: status)) == expected, "\(hook) \(status) \(body)")
    }

    @Test("a payload past the limit is no answer")
    func tooLong() {
        let long = String(repeating: "x", count: 100)
        #expect(kind(outcome(.publish, #"{"allow":true,"data":"\#(long)"}"#)) == "answer")
        #expect(kind(outcome(.call, #"{"data":"\#(long)"}"#)) == "answer")
    }

    @Test("what it says besides is taken, numbers and blanks as they are")
    func content() throws {
        let said = outcome(
            .connect,
            #"{"allow":true,"user":"\u00e4","info":{"a":"b"},"channels":["a/1","b/*"],"expires":1700000000.5}"#
        )
        guard case .allowed(let answer) = said else { throw Unexpected() }
        #expect(answer.user == "ä")
        #expect(answer.info == Array(#"{"a":"b"}"#.utf8))
        #expect(answer.channels.map(\.text) == ["a/1", "b/*"])
        #expect(answer.endMilliseconds == 1_700_000_000_500)
        guard case .allowed(let call) = outcome(.call, "{\"data\":{\"n\":\n1.00}}") else { throw Unexpected() }
        #expect(call.data?.bytes == Array("{\"n\": 1.00}".utf8))
        guard case .refused(let refusal) = outcome(.call, #"{"error":"gone","code":410}"#) else { throw Unexpected() }
        #expect(refusal == HookRefusal(code: 410, message: "gone"))
    }

    private struct Unexpected: Error {}

    @Test("a request is signed with each key, for its hook and its time")
    func signature() {
        let body = Array(#"{"hook":"connect"}"#.utf8)
        var policy = HookPolicy(url: "http://127.0.0.1/")
        #expect(HookFields.all(.connect, policy, body: body, seconds: 1) == ["Perseid-Hook: connect"])
        let keys = ["new", "old"].map { Array($0.utf8) }
        policy.secrets = keys
        let fields = HookFields.all(.connect, policy, body: body, seconds: 1_700_000_000)
        let signed = Data("1700000000.connect.".utf8) + Data(body)
        let codes = keys.map { key in
            HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key))
                .map { String(format: "%02x", $0) }.joined()
        }
        #expect(
            fields == [
                "Perseid-Hook: connect", "Perseid-Timestamp: 1700000000",
                "Perseid-Signature: \(codes.joined(separator: ", "))",
            ]
        )
        #expect(HookFields.all(.publish, policy, body: body, seconds: 1_700_000_000)[2] != fields[2])
    }
}
