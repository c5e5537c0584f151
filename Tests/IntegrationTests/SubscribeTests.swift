import Foundation
import Testing

/// `perseid subscribe` against servers that fail in every way.
@Suite struct SubscribeTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"

    /// The answer that begins a stream, with the events that follow it.
    private static func stream(_ events: String) -> String { "\(head)\r\n\(events)" }

    /// The same in chunks of a size; to be gone on with, or whole.
    private static func chunked(_ events: String, by size: Int, isWhole: Bool = true) -> String {
        var text = "\(head)Transfer-Encoding: chunked\r\n\r\n"
        var rest = events[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            text += "\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n"
            rest = rest.dropFirst(size)
        }
        return isWhole ? text + "0\r\n\r\n" : text
    }

    /// A message of the channel `a` as nodes tell it, which is as the command prints it.
    private static func message(_ position: String, _ text: String) -> String {
        #"{"type":"message","channel":"a","position":"\#(position)","data":"\#(text)"}"#
    }

    /// An event that is one, with its cursor.
    private static func event(_ position: String, _ text: String) -> String {
        "id: a@\(position)\ndata: \(message(position, text))\n\n"
    }

    private static func error(_ status: Int, _ message: String, _ fields: String = "") -> String {
        let body = #"{"error":{"code":\#(status),"message":"\#(message)"}}"#
        return "HTTP/1.1 \(status) X\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private func subscribe(
        to server: ScriptedServer,
        _ arguments: String...,
        environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            [
                PerseidNode.executable, "subscribe", "a", "--url", "http://127.0.0.1:\(server.port)", "--transport",
                "sse",
            ]
                + arguments,
            environment: environment,
            in: scratch
        )
    }

    @Test("it survives a 503, a broken stream and a bye, goes on from its cursor, and says so on standard error")
    func survives() async throws {
        let server = try ScriptedServer([
            Self.error(503, "no node is ready", "Retry-After: 0\r\n"),
            Self.stream("retry: 1\n\n\(Self.event("1-0", "one"))"),
            Self.error(429, "too many", "Retry-After: 0\r\n"),
            Self.chunked(
                """
                event: subscribed
                data: {"type":"subscribed","channel":"a","recovered":true}

                id: a@2-0
                data: {"type":"message","channel":"a","position":"2-0","data":"two"}

                event: bye
                data: {"type":"bye","code":4000,"reason":"the node is going away","reconnect":true,"after":1}


                """,
                by: 7
            ),
            Self.chunked(
                "event: gap\ndata: {\"type\":\"gap\",\"channel\":\"a\",\"from\":\"2-0\",\"to\":\"8-0\"}\n\n"
                    + Self.event("9-0", "nine"),
                by: 1,
                isWhole: false
            ),
        ])
        let process = try subscribe(to: server, "--count", "3")
        try #require(try await process.end() == .exited(0))
        let gap = #"{"type":"gap","channel":"a","from":"2-0","to":"8-0"}"#
        let (one, two, nine) = (Self.message("1-0", "one"), Self.message("2-0", "two"), Self.message("9-0", "nine"))
        #expect(process.outputText.split(separator: "\n").map(String.init) == [one, two, gap, nine])
        #expect(server.requests.count == 5)
        #expect(!server.requests[1].contains("Last-Event-ID"))
        #expect(server.requests[2].contains("Last-Event-ID: a@1-0\r\n"))
        #expect(server.requests[3].contains("Last-Event-ID: a@1-0\r\n"))
        #expect(server.requests[4].contains("Last-Event-ID: a@2-0\r\n"))
        let said = process.errorText.split(separator: "\n").map {
            $0.replacing("127.0.0.1:\(server.port)", with: "NODE")
        }
        #expect(
            said == [
                "perseid: NODE: 503: no node is ready; trying again", "perseid: connected",
                "perseid: lost: the connection ended; trying again", "perseid: NODE: 429: too many; trying again",
                "perseid: connected again", "perseid: a: resumed, nothing was missed",
                "perseid: the node ends the stream: the node is going away", "perseid: connected again",
                "perseid: a: gap, what lay after 2-0 up to 8-0 is gone",
            ]
        )
    }

    @Test("a node that is not there yet is waited for, which is said once")
    func waits() async throws {
        let port = Port.free()
        let arguments = ["subscribe", "a", "--count", "1", "--raw", "--url", "http://127.0.0.1:\(port)"]
        let process = try ChildProcess([PerseidNode.executable] + arguments, in: scratch)
        try await eventually("it says why", isTrue: { process.errorText.contains("Connection refused") })
        let node = try await PerseidNode(id: "a", redis: nil, port: port, in: scratch)
        try await eventually(
            "it is subscribed",
            isTrue: { try await node.ask("GET", "/channels/a").json["subscribers"] as? Int == 1 }
        )
        try #require(try await node.ask("POST", "/channels/a", body: "hello").status == 200)
        try #require(try await process.end() == .exited(0))
        #expect(process.outputText == "hello\n")
        #expect(process.errorText.split(separator: "\n").count == 2)
        #expect(process.errorText.hasSuffix("perseid: connected\n"))
        try #require(try await node.stop() == .exited(0))
    }

    @Test("a stream that says where it stands and nothing else does not lose the cursor it was given")
    func keepsCursor() async throws {
        let server = try ScriptedServer([Self.stream("retry: 1\n\n: hb\n\n"), Self.stream(Self.event("9-0", "nine"))])
        let process = try subscribe(to: server, "--cursor", "a@5-0", "--count", "1")
        try #require(try await process.end() == .exited(0))
        #expect(server.requests.allSatisfy { $0.contains("Last-Event-ID: a@5-0\r\n") })
    }

    @Test("an event above 1 MiB comes whole, one above the limit is told")
    func largeEvents() async throws {
        let large = String(repeating: "x", count: 3 << 20)
        // A server for each: the first may come back for a second answer before its command ends.
        let server = try ScriptedServer([Self.chunked(Self.event("1-0", large), by: 100_000)])
        let whole = try subscribe(to: server, "--count", "1", "--raw")
        try #require(try await whole.end() == .exited(0))
        #expect(whole.outputText == large + "\n")
        let other = try ScriptedServer([Self.stream(Self.event("1-0", large))])
        let limited = try subscribe(to: other, "--event-bytes-max", "1000000")
        try #require(try await limited.end() == .exited(1))
        #expect(limited.errorText.contains("an event of more than 1000000 bytes: raise --event-bytes-max"))
        #expect(limited.outputText.isEmpty)
    }

    @Test("what is refused for good ends it, and says why", arguments: [401, 403, 400, 404])
    func refused(_ status: Int) async throws {
        let server = try ScriptedServer([Self.error(status, "not you")])
        let process = try subscribe(to: server, environment: ["PERSEID_API_KEY": "my-key"])
        try #require(try await process.end() == .exited(1))
        #expect(process.errorText.hasPrefix("perseid: refused: \(status): not you"))
        #expect(process.errorText.contains("PERSEID_API_KEY") == (status == 401 || status == 403))
        #expect(server.requests[0].contains("Authorization: Bearer my-key\r\n"))
        #expect(process.outputText.isEmpty)
    }

    @Test("a stream that is over, taken over or none ends it")
    func ended() async throws {
        let taken =
            "event: bye\ndata: {\"type\":\"bye\",\"code\":4001,\"reason\":\"the session was taken over\",\"reconnect\":false}\n\n"
        let server = try ScriptedServer([
            "HTTP/1.1 204 No Content\r\n\r\n", Self.stream(taken),
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
        ])
        try #require(try await subscribe(to: server).end() == .exited(0))
        let loser = try subscribe(to: server)
        try #require(try await loser.end() == .exited(1))
        #expect(loser.errorText.contains("the session was taken over"))
        try #require(try await subscribe(to: server).end() == .exited(1))
    }

    @Test(
        "options that mean nothing are refused",
        arguments: [
            ["--count", "0"], ["--count=-1"], ["--event-bytes-max", "0"], ["--url", "http://a:99999"],
            ["--cursor", "a\r\nb"], ["--transport", "x"], ["--session", "a b"], ["--raw", "--json"],
            ["--ca", "/nowhere"],
        ]
    )
    func options(_ arguments: [String]) async throws {
        let process = try ChildProcess([PerseidNode.executable, "subscribe", "a"] + arguments, in: scratch)
        try #require(try await process.end() == .exited(64))
    }
}
