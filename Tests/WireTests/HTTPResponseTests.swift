import Testing
import Wire

@Suite("HTTP response")
struct HTTPResponseTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// A response whose body is given as text.
    private func response(
        _ status: Int,
        _ body: String,
        _ persistence: HTTPPersistence,
        includesBody: Bool = true
    ) -> String {
        text { buffer in
            Array(body.utf8).withUnsafeBytes {
                buffer.append(
                    status: status,
                    contentType: "text/plain",
                    body: $0,
                    persistence: persistence,
                    includesBody: includesBody
                )
            }
        }
    }

    @Test("a whole response")
    func whole() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
        #expect(response(200, "hello", .keepAlive) == head + "\r\nhello")
        #expect(response(200, "hello", .close) == head + "Connection: close\r\n\r\nhello")
        #expect(response(200, "hello", .announcedKeepAlive) == head + "Connection: keep-alive\r\n\r\nhello")
        #expect(response(200, "hello", .keepAlive, includesBody: false) == head + "\r\n")
    }

    @Test("statuses without a body", arguments: [204, 304])
    func noBody(status: Int) {
        let written = response(status, "hello", .keepAlive)
        #expect(!written.contains("Content-Length"))
        #expect(written.hasSuffix("\r\n\r\n"))
    }

    @Test("the head of a stream, with further fields")
    func stream() {
        let written = text { buffer in
            buffer.append(
                responseHead: 200,
                contentType: "text/event-stream",
                framing: .untilClose,
                persistence: .keepAlive
            )
            buffer.append(field: "Cache-Control", "no-store")
            buffer.append(field: "Retry-After", 15)
            buffer.append(field: "Set-Cookie", utf8: "perseid_node=a\r\nX: injected")
            buffer.appendHeadEnd()
        }
        #expect(
            written == "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
                + "Cache-Control: no-store\r\nRetry-After: 15\r\nSet-Cookie: perseid_node=a  X: injected\r\n\r\n"
        )
        let chunked = text { buffer in
            buffer.append(responseHead: 200, contentType: nil, framing: .chunked, persistence: .keepAlive)
            buffer.appendHeadEnd()
        }
        #expect(chunked == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    @Test("an error names its field")
    func error() {
        let rejection = HTTPRejection(status: 400, field: "Host", reason: "missing")
        let body = #"{"error":{"code":400,"message":"missing","field":"Host"}}"#
        #expect(
            text { $0.append(rejection: rejection) }
                == "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n" + body
        )
        let notAllowed = text { buffer in
            buffer.append(errorStatus: 405, message: "not \"here\"", field: nil, persistence: .keepAlive) {
                $0.append(field: "Allow", "GET, HEAD")
            }
        }
        #expect(notAllowed.contains("\r\nAllow: GET, HEAD\r\n"))
        #expect(notAllowed.hasSuffix(#"{"error":{"code":405,"message":"not \"here\""}}"#))
    }

    @Test("every status a rejection can have has a reason phrase", arguments: [400, 413, 414, 417, 431, 501, 505])
    func reasonPhrases(status: Int) {
        let line = text { $0.append(statusLine: status) }
        #expect(line.hasPrefix("HTTP/1.1 \(status) "))
        #expect(line.utf8.count > "HTTP/1.1 400 \r\n".utf8.count)
    }
}
