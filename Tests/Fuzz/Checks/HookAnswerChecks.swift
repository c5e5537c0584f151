import Broker
import Text

@testable import Hooks
@testable import Wire

/// What a backend says to each of the hooks.
enum HookAnswerChecks {
    private static let payloadBytesMax = 64

    static func check(_ bytes: [UInt8]) throws {
        for hook in HookName.allCases {
            try check(outcome(200, bytes, hook), of: bytes, hook)
            guard case .failed(.status) = outcome(500, bytes, hook) else {
                throw Violation(description: "an error that \(hook) takes for an answer")
            }
            guard case .refused = outcome(403, bytes, hook) else {
                throw Violation(description: "a no that \(hook) does not take for one")
            }
        }
    }

    private static func outcome(_ status: Int, _ body: [UInt8], _ hook: HookName) -> HookOutcome {
        HookOutcome(
            HTTPReply(status: status, body: body, cacheControl: nil),
            to: hook,
            payloadBytesMax: payloadBytesMax
        )
    }

    private static func check(_ outcome: HookOutcome, of bytes: [UInt8], _ hook: HookName) throws {
        switch outcome {
        case .failed: break
        case .refused(let refusal):
            try require((400..<600).contains(refusal.code), "code \(refusal.code)")
            try require(refusal.message.utf8.count <= 1_024, "a long reason")
        case .allowed(let answer):
            if hook == .disconnect { return try requireSame(answer, HookAnswer(), "an answer that is not read") }
            let kind = bytes.withUnsafeBytes { JSONText.kind(of: $0) }
            try requireSame(kind, .object, "what is taken for an answer")
            try check(answer, hook)
        }
    }

    private static func check(_ answer: HookAnswer, _ hook: HookName) throws {
        if hook != .connect {
            try require(answer.user == nil && answer.info == nil && answer.channels.isEmpty, "\(hook) says who it is")
        }
        if let user = answer.user { try require(PrincipalName.isValid(user), "a user called \(user)") }
        if let info = answer.info { try checkLine(info, .object) }
        try require(answer.channels.count <= 128, "many channels")
        try require(answer.channels.allSatisfy { !$0.hasMisplacedWildcard }, "a star within")
        if let data = answer.data {
            try require(hook == .publish || hook == .call, "\(hook) publishes")
            try require(data.bytes.count <= payloadBytesMax, "a long payload")
            if data.kind == .json { try checkLine(data.bytes, nil) }
        }
        try SessionTextChecks.check(Identity(user: nil).with(answer))
    }

    /// It stands within other JSON, and within lines.
    private static func checkLine(_ bytes: [UInt8], _ kind: JSONText.Kind?) throws {
        let found = bytes.withUnsafeBytes { JSONText.kind(of: $0) }
        try require(found != nil && (kind == nil || found == kind), "what is not JSON")
        try require(!bytes.contains { $0 < 0x20 }, "JSON of several lines")
    }
}
