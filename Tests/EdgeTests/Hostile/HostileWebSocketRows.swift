/// Frames and messages of strangers on an open WebSocket: the code that it is closed with, or the error of a command, after which it goes on.
enum HostileWebSocketRows {
    static let all = frames + fragments + texts + ends + commands

    /// A frame as bytes, masked with zeros.
    private static func frame(_ first: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        let length: [UInt8] =
            payload.count < 126
            ? [0x80 | UInt8(payload.count)] : [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        return [first] + length + [0, 0, 0, 0] + payload
    }

    private static let frames: [HostileRow] = [
        HostileRow("no mask", [0x81, 0x02, 0x7b, 0x7d], "closed 1002"),
        HostileRow("no mask on a ping", [0x89, 0x00], "closed 1002"),
        HostileRow("the first reserved bit, with nothing agreed", frame(0xc1, [0x7b, 0x7d]), "closed 1002"),
        HostileRow("the second reserved bit", frame(0xa1), "closed 1002"),
        HostileRow("the third reserved bit", frame(0x91), "closed 1002"),
        HostileRow("a reserved bit on a ping", frame(0xc9), "closed 1002"),
        HostileRow("a reserved kind", frame(0x83), "closed 1002"),
        HostileRow("the last reserved kind", frame(0x87), "closed 1002"),
        HostileRow("a reserved kind of control", frame(0x8b), "closed 1002"),
        HostileRow("the last kind of all", frame(0x8f), "closed 1002"),
        HostileRow("bytes", frame(0x82, [1]), "closed 1003"),
        HostileRow("no bytes", frame(0x82), "closed 1003"),
        HostileRow("a length below nothing", [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], "closed 1002"),
        HostileRow("a length of all bits", [0x81, 0xff] + [UInt8](repeating: 0xff, count: 12), "closed 1002"),
        HostileRow("a length of 63 bits", [0x81, 0xff, 0x7f] + [UInt8](repeating: 0xff, count: 11), "closed 1009"),
        HostileRow("a length of 32 bits", [0x81, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "closed 1009"),
        HostileRow("a length that is said too long", [0x81, 0xfe, 0, 5, 0, 0, 0, 0], "closed 1002"),
        HostileRow(
            "a length that is said far too long",
            [0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0],
            "closed 1002"
        ),
        HostileRow("a ping of 126 bytes", frame(0x89, [UInt8](repeating: 1, count: 126)), "closed 1002"),
        HostileRow("a request", Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), "closed 1002"),
    ]

    private static let fragments: [HostileRow] = [
        HostileRow("a ping in two", frame(0x09) + frame(0x80), "closed 1002"),
        HostileRow("a close in two", frame(0x08, [0x03, 0xe8]), "closed 1002"),
        HostileRow("an end without a beginning", frame(0x80, [0x7b]), "closed 1002"),
        HostileRow("a middle without a beginning", frame(0x00, [0x7b]), "closed 1002"),
        HostileRow("a text in a text", frame(0x01, [0x7b]) + frame(0x81, [0x7d]), "closed 1002"),
        HostileRow("bytes in a text", frame(0x01, [0x7b]) + frame(0x02, [0x7d]), "closed 1002"),
        HostileRow("bytes in two", frame(0x02, [1]) + frame(0x80, [2]), "closed 1003"),
        HostileRow("a bit on a middle", frame(0x01, [0x7b]) + frame(0x40, [0x7d]), "closed 1002"),
        HostileRow(
            "parts that are too long together",
            frame(0x01, [UInt8](repeating: 0x20, count: 40_000)) + frame(0x00, [UInt8](repeating: 0x20, count: 40_000)),
            "closed 1009"
        ),
        HostileRow(
            "empty parts without an end, and then no text",
            frame(0x01) + [[UInt8]](repeating: frame(0x00), count: 5_000).flatMap { $0 } + frame(0x80),
            "error 400"
        ),
    ]

    private static let texts: [HostileRow] = [
        HostileRow("a byte that begins nothing", frame(0x81, [0x22, 0x80, 0x22]), "closed 1007"),
        HostileRow("a slash in two bytes", frame(0x81, [0x22, 0xc0, 0xaf, 0x22]), "closed 1007"),
        HostileRow("half of a pair", frame(0x81, [0xed, 0xa0, 0x80]), "closed 1007"),
        HostileRow("a character beyond the last", frame(0x81, [0xf4, 0x90, 0x80, 0x80]), "closed 1007"),
        HostileRow("a wrong character in two parts", frame(0x01, [0xe2]) + frame(0x80, [0x28, 0xa1]), "closed 1007"),
        HostileRow("half a character at the end", frame(0x01, [0xe2, 0x82]) + frame(0x80), "closed 1007"),
        HostileRow("a wrong one long before the end", frame(0x01, [0xff]), "closed 1007"),
    ]

    private static let ends: [HostileRow] = [
        HostileRow("half a code", frame(0x88, [0x03]), "closed 1002"),
        HostileRow("the code of no code", frame(0x88, [0x03, 0xed]), "closed 1002"),
        HostileRow("the code of no close", frame(0x88, [0x03, 0xee]), "closed 1002"),
        HostileRow("the code of no TLS", frame(0x88, [0x03, 0xf7]), "closed 1002"),
        HostileRow("code 0", frame(0x88, [0, 0]), "closed 1002"),
        HostileRow("code 999", frame(0x88, [0x03, 0xe7]), "closed 1002"),
        HostileRow("a code that is not defined", frame(0x88, [0x03, 0xec]), "closed 1002"),
        HostileRow("a code of the far future", frame(0x88, [0x0b, 0xb7]), "closed 1002"),
        HostileRow("code 5000", frame(0x88, [0x13, 0x88]), "closed 1002"),
        HostileRow("code 65535", frame(0x88, [0xff, 0xff]), "closed 1002"),
        HostileRow("a reason that is no text", frame(0x88, [0x03, 0xe8, 0xff]), "closed 1007"),
        HostileRow("a close, and more", frame(0x88, [0x03, 0xe8]) + frame(0x81, [0xff]), "closed 1000"),
    ]

    private static func command(_ name: String, _ text: String, _ answer: String) -> HostileRow {
        HostileRow(name, frame(0x81, Array(text.utf8)), answer)
    }

    private static let commands: [HostileRow] = [
        command("nothing", "", "error 400"),
        command("no JSON", "subscribe a", "error 400"),
        command("a number", "7", "error 400"),
        command("no command", "{}", "error 400"),
        command("no commands", "[]", "error 400"),
        command("a command that there is not", #"{"type":"eval","data":"1"}"#, "error 400"),
        command("a command in another case", #"{"type":"Subscribe","channel":"a"}"#, "error 400"),
        command("a kind that is a number", #"{"type":7}"#, "error 400"),
        command("lists in lists", #"[[{"type":"ping"}]]"#, "error 400"),
        command("JSON behind JSON", #"{"type":"ping"}{"type":"ping"}"#, "error 400"),
        command("a NUL in the text", "{\"type\":\"ping\0\"}", "error 400"),
        command("a channel with a NUL", #"{"type":"subscribe","channel":"a\u0000"}"#, "error 400"),
        command("a channel with half of a pair", #"{"type":"subscribe","channel":"\ud800"}"#, "error 400"),
        command("a channel that is a list", #"{"type":"subscribe","channel":["a"]}"#, "error 400"),
        command("a channel that is a map", #"{"type":"subscribe","channel":{"__proto__":"a"}}"#, "error 400"),
        command("a channel of the system", #"{"type":"publish","channel":"$presence/a","data":1}"#, "error 403"),
        command("a star within", #"{"type":"subscribe","channel":"a/**/b"}"#, "error 400"),
        command("a position that is none", #"{"type":"subscribe","channel":"a","since":"1e9-0"}"#, "error 400"),
        command(
            "a position beyond 64 bits",
            #"{"type":"subscribe","channel":"a","since":"99999999999999999999-0"}"#,
            "error 400"
        ),
        command(
            "a name of its own that is long",
            #"{"type":"ping","id":"\#(String(repeating: "x", count: 200))"}"#,
            "error 400"
        ),
        command("a name of its own that is a map", #"{"type":"ping","id":{}}"#, "error 400"),
        command("bytes that are none", #"{"type":"publish","channel":"a","data64":"@@@@"}"#, "error 400"),
        command("bytes with padding within", #"{"type":"publish","channel":"a","data64":"YQ==YQ=="}"#, "error 400"),
        command("two payloads", #"{"type":"publish","channel":"a","data":1,"data64":"YQ=="}"#, "error 400"),
        command("no payload", #"{"type":"publish","channel":"a"}"#, "error 400"),
        command(
            "a payload that nests",
            #"{"type":"publish","channel":"a","data":\#(String(repeating: "[", count: 2_000) + String(repeating: "]", count: 2_000))}"#,
            "error 400"
        ),
        command(
            "a hundred and twenty-nine commands",
            "[\([String](repeating: #"{"type":"eval"}"#, count: 129).joined(separator: ","))]",
            "error 400"
        ),
        command("a token that is a number", #"{"type":"authenticate","token":7}"#, "error 400"),
        command("a service where there is none", #"{"type":"call","channel":"svc/x","data":1}"#, "error 404"),
        command("who is there, where nobody may know", #"{"type":"presence","channel":"a"}"#, "error 404"),
        command("to leave where it never was", #"{"type":"unsubscribe","channel":"never"}"#, "error 404"),
    ]
}
