import Broker
import Foundation
import Hub
import Testing

@testable import perseid

/// The tables of the reference are what the sources say. `PERSEID_WRITE_REFERENCE=1` writes them instead.
@Suite struct ReferenceTests {
    @Test("limits")
    func limits() throws {
        let comments = try LimitComments()
        func row(_ name: String, _ usual: String, _ meaning: String, isTime: Bool) throws -> String {
            let whenHit = comments.whenHit.first { LimitComments.settingName(of: $0.key) == name }?.value
            let often = "The node answers 429 with `Retry-After`, or an error with `retry`; `perseid_over_limit_total`."
            let isRate = name.hasSuffix("-per-second-max") && name.hasPrefix("address-") || name.hasPrefix("user-")
            let hit = try #require(whenHit, "\(name) is not a property of Limits")
            return "| `\(name)` | \(usual) | \(meaning) | \(hit.isEmpty && isRate ? often : hit) |"
        }
        let usual = Limits()
        var rows = ["| limit | default | limits | when it is hit |", "| --- | --- | --- | --- |"]
        for (name, path, meaning) in LimitNames.counts + LimitNames.rates {
            rows.append(try row(name, "\(usual[keyPath: path])", meaning, isTime: false))
        }
        for (name, path, meaning) in LimitNames.times {
            rows.append(try row(name, "\(usual[keyPath: path])", meaning, isTime: true))
        }
        try ReferencePage("deploy/reference/limits.md", part: "limits").expect(rows)
    }

    @Test("metrics")
    func metrics() async throws {
        let scratch = try Scratch()
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let families = MetricFamily.read(try await node.ask("GET", "/metrics").body)
        try #require(families.count > 100)
        let rows = families.map { family in
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind) | \(labels) | \(family.meaning) |"
        }
        try ReferencePage("deploy/reference/metrics.md", part: "metrics").expect(
            ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"] + rows
        )
        try await node.stop()
    }

    @Test("close codes")
    func codes() throws {
        let source = try Repository.text(of: "Sources/Hub/ByeCode.swift")
        let rows = try (UInt16(4_000)...4_999).compactMap(ByeCode.init(rawValue:)).map { code in
            let number = "\(code.rawValue / 1_000)_\(String(code.rawValue % 1_000 + 1_000).dropFirst())"
            let pattern = try Regex("/// ([^\\n]*)\\n *case \\w+ = \(number)\\n", as: (Substring, Substring).self)
            let comment = try #require(try pattern.firstMatch(in: source)?.output.1, "\(code)")
            return "| \(code.rawValue) | \(code.reason) | \(code.mayReconnect ? "yes" : "no") | \(comment) |"
        }
        try ReferencePage("deploy/reference/codes.md", part: "codes").expect(
            ["| code | `reason` | `reconnect` | when |", "| --- | --- | --- | --- |"] + rows
        )
    }

    @Test("operations of the HTTP API")
    func operations() throws {
        let text = try Repository.text(of: "Sources/Edge/Resources/openapi.json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        var rows: [(key: String, text: String)] = []
        for (path, operations) in paths {
            for method in ["get", "post", "delete"] {
                guard let operation = operations[method] as? [String: Any] else { continue }
                let summary = try #require(operation["summary"] as? String)
                let answers = try #require(operation["responses"] as? [String: Any]).keys.sorted().joined(
                    separator: ", "
                )
                rows.append(("\(path) \(method)", "| `\(method.uppercased()) \(path)` | \(summary) | \(answers) |"))
            }
        }
        try ReferencePage("deploy/reference/api.md", part: "operations").expect(
            ["| request | does | answers |", "| --- | --- | --- |"] + rows.sorted { $0.key < $1.key }.map(\.text)
        )
    }

    @Test("functions in Redis")
    func functions() throws {
        let source = try Repository.text(of: "Sources/Backplane/Functions/perseid.lua")
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        var rows: [String] = []
        for line in lines where line.hasPrefix("redis.register_function") {
            let name = try #require(line.firstMatch(of: /'(perseid_\w+)'/)?.1)
            let callback = try #require(line.firstMatch(of: /'perseid_\w+', (?:callback = )?(\w+)/)?.1)
            let declaration = try #require(lines.firstIndex { $0.hasPrefix("local function \(callback)(") })
            var start = declaration
            while start > 0, lines[start - 1].hasPrefix("-- ") { start -= 1 }
            let comment = lines[start..<declaration].map { $0.dropFirst(3) }.joined(separator: " ")
            rows.append("| `\(name)` | \(comment.replacing("|", with: "\\|")) |")
        }
        try #require(rows.count > 20)
        try ReferencePage("deploy/reference/redis.md", part: "functions").expect(
            ["| function | takes and returns |", "| --- | --- |"] + rows
        )
    }

    @Test("each setting and each limit that a page names exists")
    func names() throws {
        let known = Set(SettingTable.all.map(\.name))
        for path in try Repository.pages() {
            for match in try Repository.text(of: path).matches(of: /`(limits\.[a-z][a-z-]*[a-z])`/) {
                #expect(known.contains(String(match.output.1)), "\(path): \(match.output.1)")
            }
        }
    }

    @Test("each metric that a page, an alert or a dashboard names exists")
    func metricNames() async throws {
        let scratch = try Scratch()
        let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
        let known = Set(MetricFamily.read(try await node.ask("GET", "/metrics").body).flatMap(\.samples))
        // Names of other things that begin so.
        let functions = Set(
            try Repository.text(of: "Sources/Backplane/Functions/perseid.lua").matches(of: /'(perseid_\w+)'/)
                .map { String($0.output.1) }
        )
        let others = functions.union(["perseid_node", "perseid_token", "perseid_client"])
        let files = try Repository.pages() + ["deploy/watch/alerts.yml", "deploy/watch/dashboard.json"]
        for path in files where !path.hasPrefix("bench/") {
            for match in try Repository.text(of: path).matches(of: /\bperseid_[a-z_]*[a-z]/) {
                let name = String(match.output)
                #expect(known.contains(name) || others.contains(name), "\(path): \(name)")
            }
        }
        try await node.stop()
    }
}
