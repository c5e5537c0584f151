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
        environment: [String: String] = [:],
        input: [UInt8]? = nil
    ) async throws -> (ending: ChildProcess.Ending, output: String, errors: String) {
        let process = try ChildProcess([PerseidNode.executable] + arguments, environment: environment, in: scratch)
        if let input {
            try process.tell(input)
            process.endInput()
        }
        return (try await process.end(), process.outputText, process.errorText)
    }

    @Test("token makes what serve takes, shows it, and check says what it may and by which rule")
    func tokens() async throws {
        let file = scratch.directory.appending(path: "perseid.yaml")
        let rules = """
            tokens: {hmac: {main: a-secret-of-the-tests-with-more-than-32-bytes}, audience: push, issuer: tests}
            rules:
              - {channels: "room/*", subscribe: users, publish: granted}
              - {channels: "public/**", subscribe: anyone}
            """
        try Data(rules.utf8).write(to: file)
        let settings = ["--config", file.path]
        let made = try await perseid(
            "token",
            "make",
            "alice",
            "--publish",
            "room/1",
            "--subscribe",
            "room/1",
            settings[0],
            settings[1]
        )
        try #require(made.ending == .exited(0), "\(made.errors)")
        let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let shown = try await perseid("token", "show", "-", "--config", file.path, input: Array("\(token)\n".utf8))
        #expect(shown.ending == .exited(0) && shown.output.contains("alice"))
        #expect(["publish   room/1", "subscribe room/1"].allSatisfy(shown.output.contains), "\(shown.output)")
        let strange = try await perseid("token", "show", token + "A", "--config", file.path)
        #expect(strange.ending == .exited(1) && strange.errors.contains("wrong signature"))

        let questions: [(who: String, action: String, channel: String, isAllowed: Bool, why: String)] = [
            (token, "subscribe", "room/1", true, "rule 1"), (token, "publish", "room/1", true, "granted"),
            (token, "publish", "room/2", false, "granted"), ("nobody", "subscribe", "room/1", false, "for users"),
            ("nobody", "subscribe", "public/a", true, "anyone"), (token, "history", "room/1", false, "nobody"),
            (token, "subscribe", "other", false, "no rule"), (token, "subscribe", "room/**", false, "no rule"),
        ]
        for each in questions {
            let said = try await perseid("check", "--as", each.who, each.action, each.channel, settings[0], settings[1])
            #expect(said.ending == .exited(each.isAllowed ? 0 : 1), "\(each): \(said.output) \(said.errors)")
            #expect(said.output.contains(each.why), "\(said.output)")
        }

        let node = try await PerseidNode(id: "a", redis: nil, arguments: settings, in: scratch)
        let target = "/poll?channel=room/1&wait=0"
        try #require(try await node.ask("GET", target).status == 403)
        try #require(try await node.ask("GET", "\(target)&access_token=\(token)").status == 200)
    }

    @Test("SIGHUP: other rules and keys from then on, what cannot change is said, and a mistake changes nothing")
    func readAgain() async throws {
        let file = scratch.directory.appending(path: "perseid.yaml")
        func write(_ text: String) throws { try Data(text.utf8).write(to: file) }
        try write("rules:\n  - {channels: a, subscribe: anyone}\n")
        let node = try await PerseidNode(id: "a", redis: nil, arguments: ["--config", file.path], in: scratch)
        func status(_ channel: String) async throws -> Int {
            try await node.ask("GET", "/poll?channel=\(channel)&wait=0").status
        }
        #expect(try await status("a") == 200)
        #expect(try await status("b") == 403)
        try write("rules:\n  - {channels: b, subscribe: anyone}\nlimits: {poll-bytes-max: 7}\n")
        node.signal(SIGHUP)
        try await eventually("the rules are others", isTrue: { try await status("b") == 200 })
        // Reactors are told of rules, each in its turn.
        try await eventually("at each reactor", isTrue: { try await status("a") == 403 })
        try await eventually(
            "what cannot change is said",
            isTrue: { node.log.contains("limits.poll-bytes-max") && node.log.contains("started anew") }
        )
        try write("rules:\n  - {channels: c, subscribe: everybody}\n")
        node.signal(SIGHUP)
        try await eventually("the mistake is told", isTrue: { node.log.contains("perseid.yaml:2:") })
        #expect(try await status("b") == 200)
    }

    @Test("SIGHUP: other rates from then on, for whoever is connected, and what cannot change stays as it is")
    func readRatesAgain() async throws {
        let file = scratch.directory.appending(path: "perseid.yaml")
        func write(_ limits: String) throws { try Data("limits: {\(limits)}\n".utf8).write(to: file) }
        try write("burst-milliseconds: 1000")
        let node = try await PerseidNode(id: "a", redis: nil, arguments: ["--config", file.path], in: scratch)
        let connection = try HTTPConnection(port: node.port)
        func refused() throws -> Int {
            try (0..<100).count { _ in try connection.request("GET", "/channels/a").status == 429 }
        }
        #expect(try refused() == 0)
        try write("burst-milliseconds: 1000, address-requests-per-second-max: 5, message-bytes-max: 7")
        node.signal(SIGHUP)
        try await eventually("there is a limit", isTrue: { try refused() > 50 })
        func says(_ setting: String, _ words: String) async throws {
            try await eventually(
                "it says of \(setting): \(words)",
                isTrue: {
                    node.log.split(separator: "\n").contains { $0.contains("setting=\(setting)") && $0.contains(words) }
                }
            )
        }
        try await says("limits.address-requests-per-second-max", "from now on")
        try await says("limits.message-bytes-max", "started anew")
        try write("burst-milliseconds: 60000, address-requests-per-second-max: 100000")
        node.signal(SIGHUP)
        try await eventually("there is more", isTrue: { try refused() == 0 })
        try write("burst-milliseconds: 1000")
        node.signal(SIGHUP)
        try await eventually("it was read", isTrue: { node.log.components(separatedBy: "read anew").count == 4 })
        let body = String(repeating: "x", count: 100)
        #expect(try connection.request("POST", "/channels/a", body: body).status == 200)
        #expect(try refused() == 0)
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
        try #require(
            try await perseid("publish", "news/ü", "-", "--url", url, input: Array("piped\n".utf8)).ending == .exited(0)
        )
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
        try #require(bad.errors == "perseid: 400: body: not valid JSON\n" && bad.output.isEmpty)
        try #require(try await node.stop() == .exited(0))
        let away = try await perseid("publish", "news", "hello", "--url", url)
        try #require(away.ending == .exited(75))
        try #require(away.errors.contains("Connection refused") && away.output.isEmpty)
    }

    @Test("lines are published while more come, and answered each")
    func lines() async throws {
        let redis = try await RedisServer(in: scratch)
        let node = try await PerseidNode(id: "a", redis: redis.url, in: scratch)
        let environment = ["PERSEID_URL": "http://127.0.0.1:\(node.port)"]
        let process = try ChildProcess([PerseidNode.executable, "publish", "-"], environment: environment, in: scratch)
        for number in 0..<20 {
            try process.tell(#"{"channel":"lines-\#(number % 3)","data":{"n":\#(number)},"id":\#(number)}"#)
            try await eventually(
                "line \(number) is answered before the next is written",
                isTrue: { process.outputText.contains("\"id\":\(number)}\n") }
            )
        }
        // As fast as they can be written: more than is under way at a time.
        for number in 20..<2_000 { try process.tell(#"{"channel":"lines-0","data":\#(number),"id":\#(number)}"#) }
        process.endInput()
        try #require(try await process.end() == .exited(0))
        let answers = process.outputText.split(separator: "\n")
        try #require(answers.count == 2_000)
        for (number, answer) in answers.enumerated() { #expect(answer.hasSuffix("\"id\":\(number)}")) }
        #expect(try await redis.command("XLEN", RedisServer.key("lines-2")) == "6")

        let mixed = "{\"channel\":\"a\",\"data\":1}\nnonsense\n{\"channel\":\"a\",\"data\":2}\n"
        let bad = try await perseid("publish", "-", environment: environment, input: Array(mixed.utf8))
        #expect(bad.ending == .exited(1) && bad.output.split(separator: "\n").count == 3)
        try await redis.kill()
        let away = try await perseid("publish", "-", environment: environment, input: Array(mixed.utf8))
        #expect(away.ending == .exited(75) && away.output.contains("503"))
        try await node.kill()
        let gone = try await perseid("publish", "-", environment: environment, input: Array(mixed.utf8))
        #expect(gone.ending == .exited(75) && gone.errors.contains("Connection refused"))
    }

    @Test("what is published from standard input keeps every byte")
    func binary() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let environment = ["PERSEID_URL": "http://127.0.0.1:\(node.port)/"]
        let bytes = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) } + [0, 10, 13, 10, 255]
        let published = try await perseid("publish", "a", environment: environment, input: bytes)
        try #require(published.ending == .exited(0))
        try #require(try await perseid("publish", "a", environment: environment, input: []).ending == .exited(0))
        let text = Array("zwei\r\nZeilen\0\n\nü".utf8)
        try #require(try await perseid("publish", "a", "-", environment: environment, input: text).ending == .exited(0))
        let history = try await node.ask("GET", "/channels/a/history").json["publications"] as? [[String: Any]]
        let publications = try #require(history)
        try #require(publications.count == 3)
        #expect((publications[0]["data64"] as? String).flatMap { Data(base64Encoded: $0) } == Data(bytes))
        #expect(publications[1]["data"] as? String == "")
        #expect(publications[2]["data"] as? String == String(decoding: text, as: UTF8.self))
        let big = try await perseid("publish", "a", String(repeating: "x", count: 70_000), environment: environment)
        #expect(big.ending == .exited(1) && big.errors.contains("413"))
        #expect(try await perseid("publish", "a//b", "x", environment: environment).ending == .exited(64))
        try #require(try await node.stop() == .exited(0))
    }

    /// Runs the command in a shell, which opens or closes its descriptors.
    private func shell(_ words: String) throws -> ChildProcess {
        let command = "exec \"$0\" \(words) --url http://127.0.0.1:\(Port.free())"
        return try ChildProcess(["/bin/sh", "-c", command, PerseidNode.executable], in: scratch)
    }

    @Test("input that cannot be read is no end of it", arguments: ["publish a < /", "publish - < /", "publish - <&-"])
    func brokenInput(_ words: String) async throws {
        let process = try shell(words)
        #expect(try await process.end() == .exited(74))
        #expect(process.errorText.contains("standard input cannot be read"), "\(process.errorText)")
    }

    @Test("descriptors that were closed become nobody else's")
    func closedDescriptors() async throws {
        let process = try shell("subscribe a <&- >&- 2>&-")
        for descriptor in 0...2 {
            let link = "/proc/\(process.pid)/fd/\(descriptor)"
            try await eventually(
                "\(descriptor) is nothing",
                isTrue: { (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == "/dev/null" }
            )
        }
    }

    @Test("what cannot be meant is refused as a wrong command line")
    func unusable() async throws {
        let environment = ["PERSEID_TOKENS_HMAC": "main=a-secret-of-the-tests-with-more-than-32-bytes"]
        for seconds in ["\(Int.max)", "\(Int.min)", "-1", "0"] {
            let made = try await perseid("token", "make", "--expires-in=\(seconds)", environment: environment)
            #expect(made.ending == .exited(64) && made.output.isEmpty, "\(seconds): \(made.errors)")
        }
        let file = scratch.directory.appending(path: "authorities.pem")
        try Data("no certificate".utf8).write(to: file)
        let url = "https://127.0.0.1:\(Port.free())"
        for command in ["publish", "subscribe"] {
            let said = try await perseid(command, "a", "--ca", file.path, "--url", url, input: [])
            #expect(said.ending == .exited(64) && said.errors.contains("--ca"), "\(command): \(said.errors)")
        }
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
        let newer = String(decoding: RedisFunctions.source, as: UTF8.self)
            .replacing("local VERSION = \(RedisFunctions.version)", with: "local VERSION = 999")
        try await redis.command("FUNCTION", "LOAD", "REPLACE", newer)
        let refused = try await perseid("redis", "install", "--redis", redis.url)
        try #require(refused.ending == .exited(1) && refused.errors.contains("functions version 999 is loaded"))
        try #require(try await redis.command("FCALL_RO", "perseid_version", "0") == "999")
        try #require(try await perseid("redis", "install", "--force", "--redis", redis.url).ending == .exited(0))
        let present = try await perseid("check", "--redis", redis.url)
        try #require(present.output.contains("functions version \(RedisFunctions.version)"))
        try await redis.kill()
        let killed = try await perseid("check", "--redis", redis.url)
        try #require(killed.ending == .exited(1))
        try #require(killed.errors.hasPrefix("perseid: redis is not reached: 127.0.0.1:\(redis.port): "))
        try #require(try await perseid("check", "--redis", "http://elsewhere").ending == .exited(1))
        let environment = ["PERSEID_REDIS": "redis://:secret@127.0.0.1:\(redis.port)"]
        let install = try await perseid("redis", "install", environment: environment)
        try #require(install.ending == .exited(1))
        try #require(install.errors.contains("redis is not reached") && !install.errors.contains("secret"))
    }

    @Test("check fails where serve would, and both say the same")
    func strict() async throws {
        let file = scratch.file("perseid.yaml")
        try Data("api-key: [secret]\nreactors: many\n".utf8).write(to: file)
        let environment = ["PERSEID_LIMTS_POLL_BYTES_MAX": "5"]
        let checked = try await perseid("check", "--config", file.path, environment: environment)
        let served = try await perseid("serve", "--config", file.path, environment: environment)
        try #require(checked.ending == .exited(1) && served.ending == .exited(1))
        try #require(checked.errors == served.errors && checked.output.isEmpty)
        let said = checked.errors.split(separator: "\n")
        try #require(said.count == 2)
        #expect(said[0] == "perseid: \(file.path):1:1: api-key: is not a setting; did you mean api-keys?")
        #expect(said[1].hasSuffix("did you mean PERSEID_LIMITS_POLL_BYTES_MAX?"))

        let elsewhere = try await perseid("check", "--listen", "192.0.2.1:80", "--insecure")
        #expect(elsewhere.ending == .exited(1) && elsewhere.errors.contains("192.0.2.1 is no address of this machine"))
        let fine = try await perseid("check", environment: ["PERSEID_API_KEYS": "secret-key", "PERSEID_NODE_A": "x"])
        #expect(fine.ending == .exited(0) && !fine.output.contains("secret-key"))
        #expect(fine.output.contains("PERSEID_API_KEYS"))
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
        let key = ["PERSEID_API_KEY": "first", "PERSEID_URL": url]
        try #require(try await perseid("publish", "news", "hello", environment: key).ending == .exited(0))
        try #require(try await keyed.stop() == .exited(0))
    }
}
