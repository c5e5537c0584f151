/// Why a request is refused: the status to answer with, and what was wrong with which part.
///
/// After a rejection nothing more may be read from the connection: where the next request begins is unknown or
/// disputed, and guessing is how requests are smuggled. Answer with `Connection: close` and close.
public struct HTTPRejection: Error, Sendable {
    /// HTTP status of the answer: 400, 413, 414, 417, 431, 501 or 505.
    public let status: Int

    /// The part that was wrong: a header field, a query parameter, or `method`, `target`, `version`, `head`, `body`.
    public let field: StaticString

    /// What was wrong with it: stable text for people, a clause without a full stop.
    public let reason: StaticString

    /// Makes a rejection.
    public init(status: Int, field: StaticString, reason: StaticString) {
        self.status = status
        self.field = field
        self.reason = reason
    }

    /// A request that breaks the grammar: 400.
    static func malformed(_ field: StaticString, _ reason: StaticString) -> HTTPRejection {
        HTTPRejection(status: 400, field: field, reason: reason)
    }
}

extension HTTPRejection: Equatable {
    /// Rejections are equal when their texts are, wherever the literals are stored.
    public static func == (left: HTTPRejection, right: HTTPRejection) -> Bool {
        left.status == right.status && left.field.hasSameText(as: right.field)
            && left.reason.hasSameText(as: right.reason)
    }
}

extension HTTPRejection: CustomStringConvertible {
    /// For logs: `400 Host: given more than once`.
    public var description: String { "\(status) \(field): \(reason)" }
}

extension StaticString {
    fileprivate func hasSameText(as other: StaticString) -> Bool {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
            .elementsEqual(UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }
}
