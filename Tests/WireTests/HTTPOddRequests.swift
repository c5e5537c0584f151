import Testing

/// A request that is hostile, or odd and yet valid, and what must become of it.
struct OddRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let verdict: Verdict

    var testDescription: String { name }

    /// A whole request head.
    init(_ name: String, _ text: String, _ verdict: Verdict) {
        self.name = name
        self.text = text
        self.verdict = verdict
    }

    /// A GET with these further header lines.
    init(_ name: String, fields: String, _ verdict: Verdict) {
        self.init(name, "GET /sse?channel=a HTTP/1.1\r\nHost: a.example\r\n\(fields)\r\n", verdict)
    }

    /// A GET of this target.
    init(_ name: String, target: String, _ verdict: Verdict) {
        self.init(name, "GET \(target) HTTP/1.1\r\nHost: a.example\r\n\r\n", verdict)
    }

    /// A GET with this Host line value.
    init(_ name: String, host: String, _ verdict: Verdict) {
        self.init(name, "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", verdict)
    }
}

enum OddRequests {
    static let smuggling: [OddRequest] = [
        .init("CL.TE", fields: "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", .refused(400)),
        .init("TE.CL", fields: "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", .refused(400)),
        .init("TE.TE two lines", fields: "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", .refused(400)),
        .init(
            "TE twice the same",
            fields: "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            .refused(400)
        ),
        .init("TE xchunked", fields: "Transfer-Encoding: xchunked\r\n", .refused(501)),
        .init("TE space before colon", fields: "Transfer-Encoding : chunked\r\n", .refused(400)),
        .init("TE tab before colon", fields: "Transfer-Encoding\t: chunked\r\n", .refused(400)),
        .init("TE gzip, chunked", fields: "Transfer-Encoding: gzip, chunked\r\n", .refused(501)),
        .init("TE chunked, chunked", fields: "Transfer-Encoding: chunked, chunked\r\n", .refused(501)),
        .init("TE chunked with a parameter", fields: "Transfer-Encoding: chunked;a=b\r\n", .refused(501)),
        .init("TE quoted", fields: "Transfer-Encoding: \"chunked\"\r\n", .refused(501)),
        .init("TE identity", fields: "Transfer-Encoding: identity\r\n", .refused(501)),
        .init("TE empty", fields: "Transfer-Encoding:\r\n", .refused(400)),
        .init("TE vertical tab", fields: "Transfer-Encoding: \u{0B}chunked\r\n", .refused(400)),
        .init("TE NUL", fields: "Transfer-Encoding: chunked\u{0}\r\n", .refused(400)),
        .init("TE folded", fields: "Transfer-Encoding:\r\n chunked\r\n", .refused(400)),
        .init("TE after bare LF", fields: "X: y\nTransfer-Encoding: chunked\r\n", .refused(400)),
        .init("TE after bare CR", fields: "X: y\rTransfer-Encoding: chunked\r\n", .refused(400)),
        .init("TE with leading space", fields: " Transfer-Encoding: chunked\r\n", .refused(400)),
        .init("TE on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .refused(400)),
        .init("CL doubled, the same", fields: "Content-Length: 5\r\nContent-Length: 5\r\n", .refused(400)),
        .init("CL doubled, other", fields: "Content-Length: 5\r\ncontent-length: 6\r\n", .refused(400)),
        .init("CL plus sign", fields: "Content-Length: +5\r\n", .refused(400)),
        .init("CL minus sign", fields: "Content-Length: -5\r\n", .refused(400)),
        .init("CL hexadecimal", fields: "Content-Length: 0x5\r\n", .refused(400)),
        .init("CL list", fields: "Content-Length: 5,5\r\n", .refused(400)),
        .init("CL list with space", fields: "Content-Length: 5, 5\r\n", .refused(400)),
        .init("CL inner space", fields: "Content-Length: 5 5\r\n", .refused(400)),
        .init("CL decimal point", fields: "Content-Length: 5.0\r\n", .refused(400)),
        .init("CL exponent", fields: "Content-Length: 1e1\r\n", .refused(400)),
        .init("CL underscore", fields: "Content-Length: 1_0\r\n", .refused(400)),
        .init("CL Arabic digit", fields: "Content-Length: ٥\r\n", .refused(400)),
        .init("CL empty", fields: "Content-Length: \r\n", .refused(400)),
        .init("CL overflow", fields: "Content-Length: 18446744073709551621\r\n", .refused(400)),
        .init("CL over the limit", fields: "Content-Length: 65537\r\n", .refused(413)),
        .init("CL space before colon", fields: "Content-Length : 5\r\n", .refused(400)),
    ]

    static let malformed: [OddRequest] = [
        .init("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", .refused(400)),
        .init("bare LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", .refused(400)),
        .init("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", .refused(400)),
        .init("bare CR in request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .refused(400)),
        .init("folded line with space", fields: "X: a\r\n b\r\n", .refused(400)),
        .init("folded line with tab", fields: "X: a\r\n\tb\r\n", .refused(400)),
        .init("whitespace before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .refused(400)),
        .init("empty field name", fields: ": value\r\n", .refused(400)),
        .init("field without a colon", fields: "Nonsense\r\n", .refused(400)),
        .init("space in field name", fields: "X Y: z\r\n", .refused(400)),
        .init("field name not ASCII", fields: "Xé: z\r\n", .refused(400)),
        .init("field name in parentheses", fields: "(X): z\r\n", .refused(400)),
        .init("NUL in field value", fields: "X: a\u{0}b\r\n", .refused(400)),
        .init("DEL in field value", fields: "X: a\u{7F}b\r\n", .refused(400)),
        .init("escape in field value", fields: "X: a\u{1B}[0m\r\n", .refused(400)),
        .init("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("no method", "/ HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("method is not a token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("method not ASCII", "GÉT / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("tab between the parts", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .refused(400)),
        .init("HTTP/0.9", "GET /\r\n\r\n", .refused(400)),
        .init("HTTP/0.9 with version", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", .refused(505)),
        .init("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .refused(505)),
        .init("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(505)),
        .init("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .refused(505)),
        .init("HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", .refused(400)),
        .init("HTTP/1", "GET / HTTP/1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("ICY/1.1", "GET / ICYP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("TLS handshake", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .refused(400)),
        .init("Redis command", "*1\r\n$4\r\nPING\r\n\r\n", .refused(400)),
    ]

    static let targets: [OddRequest] = [
        .init("space in target", target: "/a b", .refused(400)),
        .init("UTF-8 in target", target: "/é", .refused(400)),
        .init("fragment", target: "/a#b", .refused(400)),
        .init("fragment in query", target: "/a?b#c", .refused(400)),
        .init("quotation mark", target: "/a\"b", .refused(400)),
        .init("angle bracket in query", target: "/a?b=<c>", .refused(400)),
        .init("backslash", target: "/a\\b", .refused(400)),
        .init("brace", target: "/a{b}", .refused(400)),
        .init("backtick", target: "/a`b", .refused(400)),
        .init("quotation mark in query", target: "/a?b=\"c\"", .refused(400)),
        .init("UTF-8 in query", target: "/a?é", .refused(400)),
        .init("control character in query", target: "/a?b\u{1}", .refused(400)),
        .init("space in query", target: "/a?b c", .refused(400)),
        .init("DEL in query", target: "/a?b\u{7F}", .refused(400)),
        .init("control character", target: "/a\u{1}", .refused(400)),
        .init("DEL in target", target: "/a\u{7F}", .refused(400)),
        .init("percent without digits", target: "/a%", .refused(400)),
        .init("percent with one digit", target: "/a%4", .refused(400)),
        .init("percent with a letter", target: "/a%4g", .refused(400)),
        .init("percent with u", target: "/a%u0041", .refused(400)),
        .init("percent before the question mark", target: "/a%4?1", .refused(400)),
        .init("bad percent in query", target: "/a?b=%zz", .refused(400)),
        .init("percent NUL", target: "/a%00", .refused(400)),
        .init("percent NUL in query", target: "/a?b=%00", .refused(400)),
        .init("no leading slash", target: "a", .refused(400)),
        .init("query alone", target: "?a=b", .refused(400)),
        .init("asterisk with GET", target: "*", .refused(400)),
        .init("asterisk and more", "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("other scheme", target: "ftp://a/", .refused(400)),
        .init("absolute without a host", target: "http:///a", .refused(400)),
        .init("absolute with user", target: "http://user@a/", .refused(400)),
        .init("absolute with bad port", target: "http://a:8x/", .refused(400)),
        .init("authority with GET", target: "a:80", .refused(400)),
        .init("CONNECT with a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        .init("target over the limit", target: "/" + String(repeating: "a", count: 8_192), .refused(414)),
        .init("request line far over the limit", target: "/" + String(repeating: "a", count: 9_000), .refused(414)),
        .init("endless target", "GET /" + String(repeating: "a", count: 9_000), .refused(414)),
        .init("endless field", fields: "X: " + String(repeating: "a", count: 17_000), .refused(431)),
        .init(
            "many long fields",
            fields: String(repeating: "X: \(String(repeating: "a", count: 995))\r\n", count: 17),
            .refused(431)
        ),
        .init("101 fields", fields: String(repeating: "X: a\r\n", count: 100), .refused(431)),
    ]

    static let hostsAndSingletons: [OddRequest] = [
        .init("no Host", "GET / HTTP/1.1\r\n\r\n", .refused(400)),
        .init("absolute-form without Host", "GET http://a/ HTTP/1.1\r\n\r\n", .refused(400)),
        .init("two Hosts", fields: "Host: b.example\r\n", .refused(400)),
        .init("two Hosts, the same", fields: "host: a.example\r\n", .refused(400)),
        .init("two Hosts on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .refused(400)),
        .init("Host with space", host: "a b", .refused(400)),
        .init("Host with comma", host: "a,b", .refused(400)),
        .init("Host with slash", host: "a/b", .refused(400)),
        .init("Host with user", host: "u@a", .refused(400)),
        .init("Host with percent", host: "a%20b", .refused(400)),
        .init("Host not ASCII", host: "é.example", .refused(400)),
        .init("Host with letters for a port", host: "a:http", .refused(400)),
        .init("Host with six port digits", host: "a:808080", .refused(400)),
        .init("Host with two ports", host: "a:80:80", .refused(400)),
        .init("Host with open bracket", host: "[::1", .refused(400)),
        .init("Host with empty brackets", host: "[]", .refused(400)),
        .init("Host with text after brackets", host: "[::1]a", .refused(400)),
        .init("Host with a scheme", host: "http://a", .refused(400)),
        .init("two Authorization", fields: "Authorization: a\r\nAuthorization: b\r\n", .refused(400)),
        .init("two Origin", fields: "Origin: a\r\nOrigin: a\r\n", .refused(400)),
        .init("two Sec-WebSocket-Key", fields: "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a\r\n", .refused(400)),
        .init(
            "two Sec-WebSocket-Version",
            fields: "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n",
            .refused(400)
        ),
        .init("two Last-Event-ID", fields: "Last-Event-ID: a\r\nLast-Event-ID: b\r\n", .refused(400)),
        .init("two Idempotency-Key", fields: "Idempotency-Key: a\r\nIdempotency-Key: b\r\n", .refused(400)),
        .init("two Content-Type", fields: "Content-Type: a/b\r\nContent-Type: a/b\r\n", .refused(400)),
        .init("other expectation", fields: "Expect: 200-ok\r\n", .refused(417)),
        .init("two expectations", fields: "Expect: 100-continue, x\r\n", .refused(417)),
    ]

    static let valid: [OddRequest] = [
        .init("one empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .accepted),
        .init("empty Host", host: "", .accepted),
        .init("IPv6 Host with port", host: "[2001:db8::1]:8080", .accepted),
        .init("Host with empty port", host: "a:", .accepted),
        .init("Host with underscore", host: "node_1.a:80", .accepted),
        .init("no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", .accepted),
        .init("no whitespace after colon", fields: "X:y\r\n", .accepted),
        .init("much whitespace around value", fields: "X: \t y \t\r\n", .accepted),
        .init("empty value", fields: "X:\r\n", .accepted),
        .init("UTF-8 in value", fields: "X: é\r\n", .accepted),
        .init("all token characters", fields: "!#$%&'*+-.^_`|~09azAZ: y\r\n", .accepted),
        .init("leading zeros in length", fields: "Content-Length: 00005\r\n", .accepted),
        .init("length with whitespace", fields: "Content-Length: \t 5 \r\n", .accepted),
        .init("length at the limit", fields: "Content-Length: 65536\r\n", .accepted),
        .init("GET with a body", fields: "Content-Length: 1\r\n", .accepted),
        .init("upper-case coding", fields: "TRANSFER-ENCODING: CHUNKED\r\n", .accepted),
        .init("unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", .accepted),
        .init("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", .accepted),
        .init("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .accepted),
        .init("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .accepted),
        .init("absolute-form", target: "http://b.example:80/c?d", .accepted),
        .init("absolute-form without path", target: "HTTP://b.example", .accepted),
        .init("absolute-form, query without path", target: "https://b.example?c=d", .accepted),
        .init("many slashes", target: "//a//", .accepted),
        .init("all path characters", target: "/-._~!$&'()*+,;=:@%C3%a9", .accepted),
        .init("question marks and slashes in query", target: "/a?b=?/?", .accepted),
        .init("what browsers leave in a query", target: "/sse?channel={a}&channel=x[1]&channel=a^b|c`d\\e~", .accepted),
        .init("what browsers leave in a path", target: "/channels/x[1]/a^b|c", .accepted),
        .init("empty query", target: "/a?", .accepted),
        .init("target at the limit", target: "/" + String(repeating: "a", count: 8_191), .accepted),
        .init("100 fields", fields: String(repeating: "X: a\r\n", count: 99), .accepted),
        .init(
            "repeated list fields",
            fields: "Accept: a\r\nAccept: b\r\nConnection: a\r\nConnection: ,close,\r\n",
            .accepted
        ),
        .init("expectation in upper case", fields: "Expect: 100-CONTINUE\r\n", .accepted),
        .init("no end", "GET / HTTP/1.1\r\nHost: a\r\n", .incomplete),
        .init("no end, only CR missing LF", "GET / HTTP/1.1\r\nHost: a\r\n\r", .incomplete),
        .init("nothing", "", .incomplete),
    ]

    static let all = smuggling + malformed + targets + hostsAndSingletons + valid
}
