// What is asked for, once a request is one.
extension HostileHTTPRows {
    static let targets: [HostileRow] = [
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

    static let parameters: [HostileRow] = [
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

    static let fields: [HostileRow] = [
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
        post(
            "a body that is packed otherwise",
            "Content-Encoding: deflate\r\nContent-Length: 1\r\n",
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
