import Backplane
import Foundation
import Testing

/// The command, as people and scripts use it.
@Suite struct CommandLineTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Runs the command; returns how it ended and what it wrote.
    private func perseid(
        _ arguments: String...,
        input: String? = nil
    ) async throws -> (ending: ChildProcess.Ending, output: String, errors: String) {
        let process = try ChildProcess([PerseidNode.executable] + arguments, in: scratch)
        if let input {
            try process.tell(input)
            process.endInput()
        }
        return (try await process.end(), process.outputText, process.errorText)
    }

    @Test("publish and subscribe")
    func publishAndSubscribe() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let url = "http://127.0.0.1:\(node.port)"
        let subscriber = try ChildProcess(
            [PerseidNode.executable, "subscribe", "news/ü", "--count", "3", "--show-cursor", "--url", url],
            in: scratch
        )
        try await eventually(
            "it is subscribed",
            isTrue: {
                try await node.ask("GET", "/channels/news%2F%C3%BC").json["subscribers"] as? Int == 1
            }
        )
        let text = try await perseid("publish", "news/ü", "hello", "--url", url)
        try #require(text.ending == .exited(0))
        try #require(text.output.hasPrefix(#"{"channel":"news/ü","position":""#))
        try #require(try await perseid("publish", "news/ü", #"{"a":1}"#, "--json", "--url", url).ending == .exited(0))
        try #require(try await perseid("publish", "news/ü", "-", "--url", url, input: "piped").ending == .exited(0))
        try #require(try await subscriber.end() == .exited(0))
        let lines = subscriber.outputText.split(separator: "\n")
        try #require(lines.count == 3)
        try #require(lines[0].contains(#""data":"hello""#) && lines[1].contains(#""data":{"a":1}"#))
        try #require(lines[2].contains(#""data":"piped\n""#))

        let cursor = try #require(lines[0].split(separator: "\t").last)
        let rest = try await perseid(
            "subscribe",
            "news/ü",
            "--raw",
            "--count",
            "2",
            "--cursor",
            String(cursor),
            "--url",
            url
        )
        try #require(rest.ending == .exited(0))
        try #require(rest.output.hasPrefix("{\"a\":1}\npiped"))

        let bad = try await perseid("publish", "news/ü", "{", "--json", "--url", url)
        try #require(bad.ending == .exited(1))
        try #require(bad.output.contains("error"))
        try #require(try await node.stop() == .exited(0))
        let away = try await perseid("publish", "news", "hello", "--url", url)
        try #require(away.ending != .exited(0))
    }

    @Test("check and install")
    func checkAndInstall() async throws {
        let redis = try await RedisServer(in: scratch)
        let absent = try await perseid("check", "--redis", redis.url)
        try #require(absent.ending == .exited(0))
        try #require(absent.output.contains("functions absent"))
        let printed = try await perseid("redis", "install", "--print")
        try #require(printed.output.hasPrefix("#!lua name=perseid\n"))
        try #require(printed.output.utf8.elementsEqual(RedisFunctions.source))
        try #require(try await perseid("redis", "install", "--redis", redis.url).ending == .exited(0))
        let present = try await perseid("check", "--redis", redis.url)
        try #require(present.output.contains("functions version \(RedisFunctions.version)"))
        try await redis.kill()
        try #require(try await perseid("check", "--redis", redis.url).ending == .exited(1))
        try #require(try await perseid("check", "--redis", "http://elsewhere").ending != .exited(0))
    }

    @Test("version")
    func version() async throws {
        let told = try await perseid("version")
        try #require(told.ending == .exited(0))
        try #require(told.output.firstMatch(of: /^\d+\.\d+\.\d+\n$/) != nil)
    }

    @Test("beyond loopback only with keys, or when told that it is meant")
    func exposure() async throws {
        let listen = "0.0.0.0:\(Port.free())"
        let refused = try await perseid("serve", "--listen", listen)
        try #require(refused.ending != .exited(0))
        try #require(refused.errors.contains("api-keys"))

        let open = try await PerseidNode(id: "a", redis: nil, host: "0.0.0.0", arguments: ["--insecure"], in: scratch)
        try #require(try await open.ask("POST", "/channels/news", body: "hello").status == 200)
        try #require(try await open.stop() == .exited(0))

        let environment = ["PERSEID_API_KEYS": "first,second"]
        let keyed = try await PerseidNode(id: "b", redis: nil, host: "0.0.0.0", environment: environment, in: scratch)
        let url = "http://127.0.0.1:\(keyed.port)"
        try #require(try await perseid("publish", "news", "hello", "--url", url).ending == .exited(1))
        try #require(
            try await perseid("publish", "news", "hello", "--url", url, "--api-key", "third").ending == .exited(1)
        )
        try #require(
            try await perseid("publish", "news", "hello", "--url", url, "--api-key", "second").ending == .exited(0)
        )
        try #require(try await keyed.stop() == .exited(0))
    }
}
