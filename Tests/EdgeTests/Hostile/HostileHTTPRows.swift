/// Requests of strangers: `<status> <field>`, and whether the connection goes on. One that goes on answers the next request, and nothing
/// that was hidden in this one.
enum HostileHTTPRows {
    static let all = framing + chunks + heads + hosts + targets + parameters + fields

    /// What is hidden behind a request whose end two readers see in two places.
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private static func post(_ name: String, _ fields: String, _ body: String, _ answer: String) -> HostileRow {
        HostileRow(name, "POST /channels/a HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(body)", answer)
    }

    /// With a body that has another request in it.
    private static func post(_ name: String, _ fields: String, _ answer: String) -> HostileRow {
        post(name, fields, "0\r\n\r\n\(hidden)", answer)
    }

    private static func get(_ name: String, _ target: String, _ answer: String) -> HostileRow {
        get(name, target, "", answer)
    }

    private static func get(_ name: String, _ target: String, _ fields: String, _ answer: String) -> HostileRow {
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

    private static let targets: [HostileRow] = [
        get("no slash", "healthz", "400 target, closed"),
        get("all with GET", "*", "400 target, closed"),
        get("a fragment", "/demo#x", "400 target, closed"),
        get("a NUL", "/channels/%00", "400 target, closed"),
        get("half a percent", "/channels/%4", "400 target, closed"),
        get("a percent without digits", "/channels/%zz", "400 target, closed"),
        get("a percent as scripts write it", "/channels/%u0041", "400 target, closed"),
        get("a slash in two bytes", "/channels/%c0%af", "400 channel, open"),
        get("a slash in three bytes", "/channels/%e0%80%af", "400 channel, open"),
        get("half of a pair", "/channels/%ed%a0%80", "400 channel, open"),
        get("a character beyond the last", "/channels/%f4%90%80%80", "400 channel, open"),
        get("half a character", "/channels/%e2%82", "400 channel, open"),
        get("the directory above", "/../healthz", "404 path, open"),
        get("the directory above, encoded", "/%2e%2e/healthz", "404 path, open"),
        get("a path that is encoded", "/%68ealthz", "404 path, open"),
        get("slashes in a row", "//healthz", "404 path, open"),
        get("a name that is empty in the middle", "/channels/a//b", "400 channel, open"),
        get("a name of 256 bytes", "/channels/\(String(repeating: "x", count: 256))", "400 channel, open"),
        get("a target without an end", "/\(String(repeating: "x", count: 100_000))", "414 target, closed"),
    ]

    private static let parameters: [HostileRow] = [
        get("a count beyond 64 bits", "/channels/a/history?limit=99999999999999999999", "400 limit, open"),
        get("a count below nothing", "/channels/a/history?limit=-1", "400 limit, open"),
        get("a count with an exponent", "/channels/a/history?limit=1e3", "400 limit, open"),
        get("a count in other digits", "/channels/a/history?limit=%d9%a3", "400 limit, open"),
        get("a position beyond 64 bits", "/channels/a/history?since=18446744073709551616-0", "400 since, open"),
        get("a position with a sign", "/channels/a/history?since=-1-0", "400 since, open"),
        get("a position of more parts", "/channels/a/history?since=1-2-3", "400 since, open"),
        get("a cursor beyond 64 bits", "/poll?channel=a&wait=0&cursor=a@18446744073709551616-0", "400 cursor, open"),
        get("a cursor that says it twice", "/poll?channel=a&wait=0&cursor=a@1-0,a@2-0", "200, open"),
        get("a cursor in other bytes", "/poll?channel=a&wait=0&cursor=%c0%80@1-0", "400 cursor, open"),
        get("a wait without an end", "/poll?channel=a&wait=1e999", "400 wait, open"),
        get("a wait that is no number", "/poll?channel=a&wait=nan", "400 wait, open"),
        get("a wait below nothing", "/poll?channel=a&wait=-1", "400 wait, open"),
        get("a session out of the directory", "/poll?session=../../etc/passwd&wait=0", "401 session, open"),
        get(
            "a session that was guessed",
            "/poll?session=\(String(repeating: "0", count: 32)).\(String(repeating: "0", count: 32))&wait=0",
            "401 session, open"
        ),
        get("a star within", "/poll?channel=a/*/b&wait=0", "400 channel, open"),
        get("a function with a call", "/poll?channel=a&wait=0&callback=alert(1)", "400 callback, open"),
        get("a function that ends the script", "/poll?channel=a&wait=0&callback=%3C/script%3E", "400 callback, open"),
        get(
            "a function without an end",
            "/poll?channel=a&wait=0&callback=\(String(repeating: "f", count: 10_000))",
            "400 callback, open"
        ),
        get("a format that there is not", "/sse?channel=a&format=../x", "400 format, open"),
        get(
            "a hundred and twenty-nine channels",
            "/sse?\((0..<129).map { "channel=\($0)" }.joined(separator: "&"))",
            "400 channel, open"
        ),
    ]

    private static let upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    private static let fields: [HostileRow] = [
        get(
            "two tokens",
            "/demo",
            "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
            "400 Authorization, closed"
        ),
        get("two origins", "/demo", "Origin: a\r\nOrigin: b\r\n", "400 Origin, closed"),
        get(
            "two ends to go on from",
            "/sse?channel=a",
            "Last-Event-ID: a\r\nLast-Event-ID: b\r\n",
            "400 Last-Event-ID, closed"
        ),
        get("an end to go on from that is none", "/sse?channel=a", "Last-Event-ID: a@b\r\n", "400 Last-Event-ID, open"),
        get("another expectation", "/demo", "Expect: 200-ok\r\n", "417 Expect, closed"),
        get("a frame for another site", "/frame?channel=a&callback=f&origin=https://evil.example", "403 origin, open"),
        HostileRow(
            "a client of Bayeux on another site",
            "POST /bayeux HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 2\r\n\r\n[]",
            "403 Origin, open"
        ),
        get(
            "a WebSocket for another site",
            "/ws?channel=a",
            "Origin: https://evil.example\r\n\(upgrade)",
            "403 Origin, open"
        ),
        get("a WebSocket for a page without a site", "/ws?channel=a", "Origin: null\r\n\(upgrade)", "403 Origin, open"),
        get(
            "a WebSocket of another version",
            "/ws",
            upgrade.replacing("13", with: "12"),
            "426 Sec-WebSocket-Version, open"
        ),
        get("a WebSocket with a short key", "/ws", upgrade.replacing("dGhl", with: ""), "400 Sec-WebSocket-Key, open"),
        get(
            "a WebSocket with two keys",
            "/ws",
            "\(upgrade)Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "400 Sec-WebSocket-Key, closed"
        ),
        get(
            "another protocol",
            "/healthz",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
            "200, open"
        ),
        post(
            "a publisher of another site",
            "Origin: https://evil.example\r\nContent-Length: 1\r\n",
            "x",
            "403 Origin, open"
        ),
        post(
            "a body that is packed",
            "Content-Encoding: gzip\r\nContent-Length: 1\r\n",
            "x",
            "415 Content-Encoding, open"
        ),
        post("JSON that is none", "Content-Type: application/json\r\nContent-Length: 1\r\n", "{", "400 body, open"),
        post(
            "JSON with a comma behind",
            "Content-Type: application/json\r\nContent-Length: 4\r\n",
            "[1,]",
            "400 body, open"
        ),
        post(
            "JSON that is no number",
            "Content-Type: application/json\r\nContent-Length: 3\r\n",
            "NaN",
            "400 body, open"
        ),
        post(
            "JSON with half of a pair",
            "Content-Type: application/json\r\nContent-Length: 8\r\n",
            "\"\\ud800\"",
            "400 body, open"
        ),
        post(
            "JSON that nests",
            "Content-Type: application/json\r\nContent-Length: 20000\r\n",
            String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000),
            "400 body, open"
        ),
        HostileRow(
            "JSON in other bytes",
            Array(
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"
                    .utf8
            ) + [0x22, 0xc0, 0x80, 0x22],
            "400 body, open"
        ),
        post(
            "a name to repeat by that is long",
            "Idempotency-Key: \(String(repeating: "x", count: 300))\r\nContent-Length: 1\r\n",
            "x",
            "400 Idempotency-Key, open"
        ),
        post("another method in a field", "X-HTTP-Method-Override: DELETE\r\nContent-Length: 1\r\n", "x", "200, open"),
    ]
}
