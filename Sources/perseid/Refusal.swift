import Foundation

/// An answer that is not what was asked for.
struct Refusal: Error {
    let status: Int

    /// What the body says: the message of an error in JSON, else its beginning.
    let message: String

    /// How long to wait before asking again, where the answer says.
    let retryAfterMilliseconds: UInt64?

    init(_ head: AnswerHead, body: [UInt8]) {
        status = head.status
        retryAfterMilliseconds = head.retryAfterMilliseconds
        if let told = try? JSONDecoder().decode(Body.self, from: Data(body)) {
            message = told.error.field.map { "\($0): \(told.error.message)" } ?? told.error.message
        } else {
            message = String(decoding: body.prefix(200), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// `{"error":{"code":400,"message":"…","field":"…"}}`
    private struct Body: Decodable {
        struct Told: Decodable {
            let message: String
            let field: String?
            let code: Int?
        }
        let error: Told
    }

    /// The status in one of many answers, if that is an error: `{"error":{"code":503,…}}`.
    static func code(ofAnswer line: some Collection<UInt8>) -> Int? {
        guard line.starts(with: Array("{\"error\":".utf8)) else { return nil }
        return (try? JSONDecoder().decode(Body.self, from: Data(line)))?.error.code ?? 500
    }

    /// Whether asking again may help: the node or the balancer is busy, away, or gave up waiting (RFC 9110 §15.5.9, §15.6;
    /// RFC 6585 §4; RFC 8470).
    var isTemporary: Bool { status >= 500 || [408, 425, 429].contains(status) }

    /// Status, message, and what to do where that is known.
    var text: String {
        let told = message.isEmpty ? "\(status)" : "\(status): \(message)"
        return status == 401 || status == 403
            ? "\(told) (a key is given by \(NodeOptions.keyVariable) or --api-key)" : told
    }
}
