/// What a response says about the connection, RFC 9112 §9.3.
public enum HTTPPersistence: UInt8, Equatable, Sendable {
    /// `Connection: close`.
    case close
    /// The connection stays open and nothing needs to be said: HTTP/1.1.
    case keepAlive
    /// `Connection: keep-alive`: what an HTTP/1.0 client that asked for it has to be told.
    case announcedKeepAlive
}

extension HTTPRequestHead {
    /// What an ordinary response to this request says about the connection.
    public var persistence: HTTPPersistence {
        guard keepAlive else { return .close }
        return minorVersion == 0 ? .announcedKeepAlive : .keepAlive
    }
}

/// How the end of a response body is told, RFC 9112 §6.3.
public enum HTTPBodyFraming: Equatable, Sendable {
    /// No body by definition: 1xx, 204, 304.
    case none
    /// `Content-Length`, in bytes.
    case length(Int)
    /// `Transfer-Encoding: chunked`. Never for a client that speaks HTTP/1.0.
    case chunked
    /// The body ends with the connection.
    case untilClose
}

extension ByteBuffer {
    /// Appends a response head without the empty line at its end: more fields may follow, then `appendHeadEnd`.
    public mutating func append(
        responseHead status: Int,
        contentType: StaticString?,
        framing: HTTPBodyFraming,
        persistence: HTTPPersistence
    ) {
        append(statusLine: status)
        if let contentType { append(field: "Content-Type", contentType) }
        switch framing {
        case .none, .untilClose: break
        case .length(let count): append(field: "Content-Length", UInt64(count))
        case .chunked: append(field: "Transfer-Encoding", "chunked")
        }
        switch framing == .untilClose ? .close : persistence {
        case .close: append(field: "Connection", "close")
        case .keepAlive: break
        case .announcedKeepAlive: append(field: "Connection", "keep-alive")
        }
    }

    /// Appends the empty line that ends a head.
    public mutating func appendHeadEnd() {
        append("\r\n")
    }

    /// Appends `HTTP/1.1 200 OK` and the like. The reason phrase of an unknown status is empty, as the RFC allows.
    public mutating func append(statusLine status: Int) {
        append("HTTP/1.1 ")
        append(decimal: UInt64(status))
        append(" ")
        append(HTTPStatus.reasonPhrase(status))
        append("\r\n")
    }

    /// Appends a header field.
    public mutating func append(field name: StaticString, _ value: StaticString) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    /// Appends a header field with a number.
    public mutating func append(field name: StaticString, _ value: UInt64) {
        append(name)
        append(": ")
        append(decimal: value)
        append("\r\n")
    }

    /// Appends a header field whose value comes from elsewhere. Control characters in it become spaces, so that no
    /// value can begin a field or a response of its own.
    public mutating func append(field name: StaticString, utf8 value: String) {
        append(name)
        append(": ")
        for byte in value.utf8 { append(byte.isFieldContent ? byte : .space) }
        append("\r\n")
    }

    /// Appends a whole response.
    ///
    /// A status that has no body (1xx, 204, 304) gets neither body nor Content-Length.
    /// - Parameters:
    ///   - includesBody: false in answer to HEAD: the head tells the length and the body is left out.
    ///   - extraFields: appends further header fields.
    public mutating func append(
        status: Int,
        contentType: StaticString?,
        body: UnsafeRawBufferPointer,
        persistence: HTTPPersistence,
        includesBody: Bool = true,
        extraFields: (inout ByteBuffer) -> Void = { _ in }
    ) {
        let hasBody = HTTPStatus.allowsBody(status)
        append(
            responseHead: status,
            contentType: contentType,
            framing: hasBody ? .length(body.count) : .none,
            persistence: persistence
        )
        extraFields(&self)
        appendHeadEnd()
        if hasBody, includesBody { append(body) }
    }
}
