import Foundation
import TLS
import TestCertificates
import Testing

/// `perseid subscribe` and `perseid publish` on a terminal and in pipes, against real nodes.
@Suite struct TerminalTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func start(_ arguments: String..., urls: [UInt16] = []) throws -> ChildProcess {
        let addresses = urls.flatMap { ["--url", "http://127.0.0.1:\($0)"] }
        return try ChildProcess([PerseidNode.executable] + arguments + addresses, in: scratch)
    }

    private func isSubscribed(_ channel: String, _ node: PerseidNode) async throws {
        try await eventually(
            "it is subscribed",
            isTrue: { try await node.ask("GET", "/channels/\(channel)").json["subscribers"] as? Int == 1 }
        )
    }

    @Test("bytes pass unharmed in both directions", arguments: ["webSocket", "eventStream", "jsonStream", "longPoll"])
    func binary(_ transport: String) async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let process = try start("subscribe", "a", "--raw", "--count", "3", "--transport", transport, urls: [node.port])
        try await isSubscribed("a", node)
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) } + [0, 10, 13, 10, 255]
        for payload in [bytes, Array("zwei\r\nZeilen\0\n\nü\u{2028}".utf8), Array("\"{\\".utf8)] {
            let publish = try start("publish", "a", urls: [node.port])
            try publish.tell(payload)
            publish.endInput()
            try #require(try await publish.end() == .exited(0))
        }
        try #require(try await process.end() == .exited(0))
        let output = Array(try Data(contentsOf: process.output))
        #expect(output == bytes + [10] + Array("zwei\r\nZeilen\0\n\nü\u{2028}\n\"{\\\n".utf8))
        #expect(process.errorText == "perseid: connected\n")
        try #require(try await node.stop() == .exited(0))
    }

    @Test("several channels and patterns, the cursor behind them, and a session, by every transport")
    func channels() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        for transport in ["ws", "sse", "stream", "poll"] {
            let opened = try await node.ask("GET", "/poll?channel=\(transport)&wait=0")
            let session = try #require(opened.fields["perseid-session"])
            let process = try start(
                "subscribe",
                transport,
                "\(transport)/*",
                "--json",
                "--show-cursor",
                "--count",
                "2",
                "--transport",
                transport,
                "--session",
                session,
                urls: [node.port]
            )
            try await isSubscribed(transport, node)
            try await eventually("the pattern is open", isTrue: { process.errorText.contains("connected") })
            let position = try #require(
                try await node.ask("POST", "/channels/\(transport)", body: "one").json["position"]
            )
            // A pattern's reader may come later to a channel that has just begun: it is told it from its beginning.
            _ = try await node.ask("POST", "/channels/\(transport)%2Fb", body: "two")
            try #require(try await process.end() == .exited(0))
            let lines = process.outputText.split(separator: "\n").map { $0.split(separator: "\t") }
            try #require(lines.count == 2 && lines.allSatisfy { $0.count == 2 })
            let one = try #require(lines.first { $0[0].contains("one") })
            #expect(one[0] == #"{"type":"message","channel":"\#(transport)","position":"\#(position)","data":"one"}"#)
            #expect(
                lines.contains {
                    $0[0].contains("\"channel\":\"\(transport)/b\"") && $0[1].contains("\(transport)%2Fb@")
                }
            )
            let known = session.prefix { $0 != "." }
            #expect(try await node.ask("GET", "/sessions/\(known)").status == 200)
        }
        try #require(try await node.stop() == .exited(0))
    }

    @Test("a session that is not there is told, and done without")
    func unknownSession() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let token = String(repeating: "0", count: 32)
        let process = try start("subscribe", "a", "--count", "1", "--session", "\(token).\(token)", urls: [node.port])
        try await isSubscribed("a", node)
        _ = try await node.ask("POST", "/channels/a", body: "x")
        try #require(try await process.end() == .exited(0))
        #expect(process.errorText.contains("session"))
        try #require(try await node.stop() == .exited(0))
    }

    @Test("lines are there once each although their node is killed in the middle, and the end says how many")
    func linesSurvive() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let arguments =
                ["publish", "-", "--retry", "60"] + cluster.nodes.flatMap { ["--url", "http://127.0.0.1:\($0.port)"] }
            let process = try ChildProcess([PerseidNode.executable] + arguments, in: cluster.scratch)
            for number in 0..<3_000 {
                try process.tell(#"{"channel":"a","data":\#(number),"id":\#(number)}"#)
                if number == 1_000 { try await cluster.nodes[0].kill() }
                if number % 100 == 0 { try await Task.sleep(for: .milliseconds(10)) }
            }
            process.endInput()
            try #require(try await process.end() == .exited(0))
            let answers = process.outputText.split(separator: "\n")
            try #require(answers.count == 3_000)
            for (number, answer) in answers.enumerated() { #expect(answer.hasSuffix("\"id\":\(number)}")) }
            #expect(process.errorText == "perseid: 3000 of 3000 lines acknowledged\n")
            let entries = try await cluster.redis.entries(of: "a").map(\.payload)
            #expect(entries == (0..<3_000).map { "\($0)" })
        }
    }

    @Test("lines that are refused are counted apart, and no node is told once")
    func linesRefused() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let process = try start("publish", "-", urls: [node.port])
        try process.tell("\n{\"channel\":\"a\",\"data\":1}\r\n  \nnonsense\n{\"channel\":\"a\",\"data\":2}")
        process.endInput()
        try #require(try await process.end() == .exited(1))
        #expect(process.outputText.split(separator: "\n").count == 3)
        #expect(process.errorText == "perseid: 2 of 3 lines acknowledged, 1 refused\n")
        try #require(try await node.stop() == .exited(0))
        let gone = try start("publish", "-", urls: [node.port])
        for number in 0..<100 { try gone.tell(#"{"channel":"a","data":\#(number)}"#) }
        gone.endInput()
        try #require(try await gone.end() == .exited(75))
        let said = gone.errorText.split(separator: "\n")
        #expect(said.count == 2 && said[0].contains("Connection refused"))
        #expect(said.last == "perseid: 0 of 100 lines acknowledged, 100 not taken for now, or not answered")
    }

    @Test("a terminal is shown the rate, a pipe is not")
    func rate() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let command = "\(PerseidNode.executable) subscribe a --raw --count 3 --url http://127.0.0.1:\(node.port)"
        let process = try ChildProcess(["script", "-qec", command, "/dev/null"], in: scratch)
        try await isSubscribed("a", node)
        for number in 0..<2 { _ = try await node.ask("POST", "/channels/a", body: "m\(number)") }
        try await eventually("the rate is shown", isTrue: { process.outputText.contains("2 messages, ") })
        _ = try await node.ask("POST", "/channels/a", body: "last")
        try #require(try await process.end() == .exited(0))
        #expect(process.outputText.contains("perseid: connected"))
        try #require(try await node.stop() == .exited(0))
    }

    @Test("nobody reads: it ends, and not with a crash")
    func closedPipe() async throws {
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let command =
            "\(PerseidNode.executable) subscribe a --raw --url http://127.0.0.1:\(node.port) | head -n 1; exit ${PIPESTATUS[0]}"
        let process = try ChildProcess(["bash", "-c", command], in: scratch)
        try await isSubscribed("a", node)
        try await eventually(
            "it ends",
            isTrue: {
                _ = try await node.ask("POST", "/channels/a", body: "x")
                return !process.isRunning
            }
        )
        #expect(process.poll() == .exited(74) && process.outputText == "x\n")
        try #require(try await node.stop() == .exited(0))
    }

    @Test("an https node is spoken to, and a stranger's certificate is not taken")
    func secure() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let files = ["pem", "key"].map { "\(authority.directory)/node.\($0)" }.joined(separator: "=")
        let port = Port.free()
        let node = try await PerseidNode(
            id: "a",
            redis: nil,
            environment: [
                "PERSEID_TLS_LISTEN": "127.0.0.1:\(port)", "PERSEID_TLS_CERTIFICATES": files,
            ],
            in: scratch
        )
        let address = ["--url", "https://localhost:\(port)"]
        let trusting = address + ["--ca", "\(authority.directory)/ca.pem"]
        let subscriber = try ChildProcess(
            [PerseidNode.executable, "subscribe", "a", "--raw", "--count", "1"] + trusting,
            in: scratch
        )
        try await isSubscribed("a", node)
        let publisher = try ChildProcess([PerseidNode.executable, "publish", "a", "sealed"] + trusting, in: scratch)
        try #require(try await publisher.end() == .exited(0))
        try #require(try await subscriber.end() == .exited(0))
        #expect(subscriber.outputText == "sealed\n")
        let stranger = try ChildProcess([PerseidNode.executable, "publish", "a", "x"] + address, in: scratch)
        try #require(try await stranger.end() == .exited(75))
        #expect(stranger.errorText.contains("certificate"))
        try #require(try await node.stop() == .exited(0))
    }

    /// What is typed in a terminal, and what Tab makes of it, is in `Clients/completion.py`.
    @Test("scripts that complete the command are there for each shell, and shells that are here complete by them")
    func completions() async throws {
        for shell in ["bash", "zsh", "fish"] {
            let process = try start("--generate-completion-script", shell)
            try #require(try await process.end() == .exited(0))
            let script = process.outputText
            let words = ["subscribe", "publish", "webSocket", "longPoll", "yaml"].filter { !script.contains($0) }
            #expect(words.isEmpty, "\(shell)")
            let isThere = try ChildProcess(["bash", "-c", "command -v \(shell)"], in: scratch)
            guard try await isThere.end() == .exited(0) else { continue }
            let check = try ChildProcess([shell, "-n", process.output.path], in: scratch)
            #expect(try await check.end() == .exited(0), "\(shell): \(check.errorText)")
            let typist = BrowserCases.clients.appending(path: "completion.py").path
            let typed = try ChildProcess(
                ["/usr/bin/python3", typist, shell, process.output.path, PerseidNode.executable],
                in: scratch
            )
            #expect(try await typed.end() == .exited(0), "\(shell): \(typed.errorText)")
        }
    }
}
