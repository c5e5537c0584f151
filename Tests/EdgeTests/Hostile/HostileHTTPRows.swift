/// Requests of strangers: `<status> <field>`, and whether the connection goes on. One that goes on answers the next request, and nothing
/// that was hidden in this one.
enum HostileHTTPRows {
    static let all = framing + chunks + heads + hosts + targets + parameters + fields

    /// What is hidden behind a request whose end two readers see in two places.
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"

    static func post(_ name: String, _ fields: String, _ body: String, _ answer: String) -> HostileRow {
        HostileRow(name, "POST /channels/a HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(body)", answer)
    }

    /// With a body that has another request in it.
    static func post(_ name: String, _ fields: String, _ answer: String) -> HostileRow {
        post(name, fields, "0\r\n\r\n\(hidden)", answer)
    }

    static func get(_ name: String, _ target: String, _ answer: String) -> HostileRow {
        get(name, target, "", answer)
    }

    static func get(_ name: String, _ target: String, _ fields: String, _ answer: String) -> HostileRow {
        HostileRow(name, "GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n", answer)
    }

    private static let framing: [HostileRow] = [
        post(
            "length, then chunks",
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            "400 Transfer-Encoding, closed"
        ),
        post(
            "chunks, then length",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "400 Transfer-Encoding, closed"
        ),
        post(
            "chunks twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "400 Transfer-Encoding, closed"
        ),
        post("chunks and identity", "Transfer-Encoding: chunked, identity\r\n", "501 Transfer-Encoding, closed"),
        post("chunks of deflate", "Transfer-Encoding: deflate, chunked\r\n", "501 Transfer-Encoding, closed"),
        post("chunks in a word", "Transfer-Encoding: xchunked\r\n", "501 Transfer-Encoding, closed"),
        post("chunks in quotes", "Transfer-Encoding: \"chunked\"\r\n", "501 Transfer-Encoding, closed"),
        post("chunks behind a vertical tab", "Transfer-Encoding: \u{b}chunked\r\n", "400 head, closed"),
        post("chunks and a NUL", "Transfer-Encoding: chunked\0\r\n", "400 head, closed"),
        post("chunks on a folded line", "Transfer-Encoding:\r\n chunked\r\n", "400 head, closed"),
        post("chunks behind a space in the name", "Transfer-Encoding : chunked\r\n", "400 head, closed"),
        post("chunks behind a bare line feed", "X: y\nTransfer-Encoding: chunked\r\n", "400 head, closed"),
        post("chunks behind a bare carriage return", "X: y\rTransfer-Encoding: chunked\r\n", "400 head, closed"),
        HostileRow(
            "chunks of an old client",
            "POST /channels/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(hidden)",
            "400 Transfer-Encoding, closed"
        ),
        post("two lengths", "Content-Length: 0\r\nContent-Length: 49\r\n", "400 Content-Length, closed"),
        post("one length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", "400 Content-Length, closed"),
        post("a list of lengths", "Content-Length: 5, 5\r\n", "400 Content-Length, closed"),
        post("a length with a plus", "Content-Length: +5\r\n", "400 Content-Length, closed"),
        post("a length below nothing", "Content-Length: -5\r\n", "400 Content-Length, closed"),
        post("a length in hexadecimal", "Content-Length: 0x5\r\n", "400 Content-Length, closed"),
        post("a length with an exponent", "Content-Length: 5e0\r\n", "400 Content-Length, closed"),
        post("a length beyond 64 bits", "Content-Length: 18446744073709551621\r\n", "400 Content-Length, closed"),
        post("a length in other digits", "Content-Length: \u{665}\r\n", "400 Content-Length, closed"),
        post("no length", "Content-Length:\r\n", "400 Content-Length, closed"),
        post("a length that nobody sends", "Content-Length: 9223372036854775807\r\n", "", "413 Content-Length, closed"),
    ]

    private static func chunked(_ name: String, _ body: String, _ answer: String) -> HostileRow {
        post(name, "Transfer-Encoding: chunked\r\n", body, answer)
    }

    private static let chunks: [HostileRow] = [
        chunked("a chunk with a plus", "+5\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk below nothing", "-1\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk in hexadecimal that says so", "0x5\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk that nobody sends", "7fffffffffffffff\r\n", "400 body, closed"),
        chunked("a chunk over the limit", "fffffff\r\n", "413 body, closed"),
        chunked("a chunk without a size", "\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk with a bare line feed", "5\nhello\n0\n\n", "400 body, closed"),
        chunked("a chunk that is longer than it says", "3\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk that is shorter than it says", "7\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked("a chunk with an extension that breaks the line", "5;a=\rb\r\nhello\r\n0\r\n\r\n", "400 body, closed"),
        chunked(
            "a chunk with an endless extension",
            "5;\(String(repeating: "x", count: 20_000))\r\n",
            "400 body, closed"
        ),
        chunked("an end with a length", "0\r\nContent-Length\r\n\r\n", "400 body, closed"),
        chunked("an end that is endless", "0\r\n\(String(repeating: "A: b\r\n", count: 10_000))", "431 body, closed"),
    ]

    private static let heads: [HostileRow] = [
        HostileRow("bare line feeds", "GET /healthz HTTP/1.1\nHost: localhost\n\n", "400 head, closed"),
        HostileRow("two carriage returns", "GET /healthz HTTP/1.1\r\r\nHost: localhost\r\n\r\n", "400 head, closed"),
        HostileRow(
            "a folded line",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
            "400 head, closed"
        ),
        HostileRow(
            "a space in front of the first field",
            "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
            "400 head, closed"
        ),
        HostileRow("a NUL in the method", "G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 head, closed"),
        HostileRow("a method in UTF-8", "GÉT / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 method, closed"),
        HostileRow("two spaces", "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 target, closed"),
        HostileRow("no version", "GET /healthz\r\n\r\n", "400 target, closed"),
        HostileRow("HTTP/0.9", "GET / HTTP/0.9\r\nHost: localhost\r\n\r\n", "505 version, closed"),
        HostileRow("HTTP/1.2", "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", "505 version, closed"),
        HostileRow("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 version, closed"),
        HostileRow("a version in small letters", "GET / http/1.1\r\nHost: localhost\r\n\r\n", "400 version, closed"),
        HostileRow("a version with a minus", "GET / HTTP/1.-1\r\nHost: localhost\r\n\r\n", "400 version, closed"),
        HostileRow(
            "a handshake of TLS",
            [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + Array("\r\n\r\n".utf8),
            "400 head, closed"
        ),
        HostileRow("a command of Redis", "*1\r\n$8\r\nFLUSHALL\r\n\r\n", "400 method, closed"),
        HostileRow("a message of SMTP", "EHLO localhost\r\n\r\n", "400 target, closed"),
        get("a NUL in a field", "/healthz", "X: a\0b\r\n", "400 head, closed"),
        get("an escape in a field", "/healthz", "X: \u{1b}[2J\r\n", "400 head, closed"),
        get("a field without a name", "/healthz", ": x\r\n", "400 head, closed"),
        get("a field without a colon", "/healthz", "nonsense\r\n", "400 head, closed"),
        get("a name with a space", "/healthz", "X Y: z\r\n", "400 head, closed"),
        get("a hundred and one fields", "/healthz", String(repeating: "X: a\r\n", count: 101), "431 head, closed"),
        get(
            "a field without an end",
            "/healthz",
            "X: \(String(repeating: "a", count: 100_000))\r\n",
            "431 head, closed"
        ),
    ]

    private static let hosts: [HostileRow] = [
        HostileRow("no host", "GET /demo HTTP/1.1\r\n\r\n", "400 Host, closed"),
        HostileRow(
            "two hosts",
            "GET /demo HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            "400 Host, closed"
        ),
        HostileRow(
            "a host with a user",
            "GET /demo HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n",
            "400 Host, closed"
        ),
        HostileRow("a host with a path", "GET /demo HTTP/1.1\r\nHost: localhost/evil\r\n\r\n", "400 Host, closed"),
        HostileRow("a host with two ports", "GET /demo HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n", "400 Host, closed"),
        HostileRow("another host", "GET /demo HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421 Host, open"),
        HostileRow(
            "a host that begins right",
            "GET /demo HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n",
            "421 Host, open"
        ),
        HostileRow(
            "a host that looks like an address",
            "GET /demo HTTP/1.1\r\nHost: 127.0.0.1.nip.io\r\n\r\n",
            "421 Host, open"
        ),
        HostileRow(
            "another host in the target",
            "GET http://evil.example/demo HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "421 Host, open"
        ),
        HostileRow(
            "a target with a user",
            "GET http://a@localhost/demo HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "400 target, closed"
        ),
        HostileRow(
            "another scheme",
            "GET ftp://localhost/demo HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "400 target, closed"
        ),
        HostileRow("a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 path, open"),
        HostileRow("a tunnel to a path", "CONNECT /demo HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 target, closed"),
        HostileRow(
            "a debugging method",
            "TRACE /demo HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\n\r\n",
            "405 method, open"
        ),
    ]
}
