extension ByteBuffer {
    /// Appends the answer to a rejected request, which always closes the connection.
    public mutating func append(rejection: HTTPRejection, extraFields: (inout ByteBuffer) -> Void = { _ in }) {
        append(
            errorStatus: rejection.status,
            message: rejection.reason,
            field: rejection.field,
            persistence: .close,
            extraFields: extraFields
        )
    }

    /// Appends an error response with the body `{"error":{"code":400,"message":"…","field":"…"}}`.
    ///
    /// - Parameters:
    ///   - field: the parameter, header field or part of the request at fault; `nil` when no single one is.
    ///   - extraFields: appends further header fields, such as `Allow` or `Retry-After`.
    public mutating func append(
        errorStatus status: Int,
        message: StaticString,
        field: StaticString?,
        persistence: HTTPPersistence,
        includesBody: Bool = true,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        // The length goes before the body, so an error costs one short-lived buffer.
        var body = ByteBuffer()
        AnswerBody.appendError(status: status, message: "\(message)", field: field, to: &body)
        append(
            status: status,
            contentType: "application/json",
            body: body.bytes,
            persistence: persistence,
            includesBody: includesBody,
            extraFields: extraFields
        )
    }
}
