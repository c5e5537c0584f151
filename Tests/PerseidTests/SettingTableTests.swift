import ArgumentParser
import Broker
import Foundation
import TestCertificates
import Testing

@testable import perseid

/// The one table of settings, and what is made from it or beside it.
@Suite struct SettingTableTests {
    @Test("every limit has a name, and it is its property's")
    func everyLimit() {
        let properties = Mirror(reflecting: Limits()).children.compactMap(\.label).map { label in
            String(label.replacing(/[A-Z]/) { "-\($0.output.lowercased())" })
        }
        let names = LimitNames.counts.map(\.0) + LimitNames.rates.map(\.0) + LimitNames.times.map(\.0)
        #expect(Set(names) == Set(properties))
        #expect(names.count == properties.count)
    }

    /// Others are read once, by whoever goes by them: it would be said in vain that they are others from now on.
    @Test("the limits that a running node changes are those of addresses and users")
    func changeableLimits() {
        let names = LimitNames.counts.map(\.0) + LimitNames.rates.map(\.0) + LimitNames.times.map(\.0)
        let others = Set(names.filter(LimitNames.isChangeable)).filter { !$0.hasPrefix("address-") && !$0.hasPrefix("user-") }
        #expect(others == ["burst-milliseconds", "sessions-per-address-max", "sessions-per-user-max"])
    }

    @Test("names are unique, in every spelling")
    func unique() {
        #expect(Set(SettingTable.all.map(\.environmentName)).count == SettingTable.all.count)
    }

    @Test("every setting that is not one of a group is an option of serve and check, and nothing else is")
    func flags() throws {
        let options = try ServeOptions.parse([
            "--listen", "a:1", "--redis", "a", "--redis-former", "a", "--key-prefix", "a", "--node-id", "a",
            "--reactors", "1", "--io-uring",
            "off", "--insecure",
            "--api-keys", "a", "--rules", "a", "--trusted-proxies", "a", "--proxy-protocol", "--forwarded-field", "a",
            "--allowed-hosts", "a", "--jsonp", "--bayeux", "/cometd", "--public-origin", "a",
            "--allowed-origins", "a",
            "--slow-reader", "skip", "--policies", "a", "--presence", "a",
            "--log-level", "info", "--log-format", "text",
        ])
        let settings = SettingTable.all.map(\.name).filter { !$0.contains(".") }
        #expect(Set(options.flags.map(\.name)) == Set(settings))
        for flag in options.flags { #expect(flag.source == .flag(flag.name)) }
    }

    @Test("the reference's table of settings is this one")
    func reference() throws {
        let text = try String(contentsOf: root.appending(path: "deploy/reference/settings.md"), encoding: .utf8)
        let section = try #require(text.split(separator: "\n## ").first)
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") && !$0.hasPrefix("| `limits.") }
        let expected = SettingTable.all.filter { !$0.name.hasPrefix("limits.") }.map {
            "| \($0.name) | \($0.usual) | \($0.meaning) |"
        }
        #expect(rows.map { String($0.replacing("`", with: "")) } == expected)
    }

    @Test("the sample file is right, also with every line of it in use")
    func sample() throws {
        let text = try String(contentsOf: root.appending(path: "deploy/perseid.yaml"), encoding: .utf8)
        #expect(try complaints(file: text) == [])
        let all = text.replacing(/(?m)^#(?! \S)/, with: "")
        try withAuthority { authority in
            try authority.write(try authority.issue(["localhost"]), as: "push")
            try Data(try authority.pem).write(to: URL(filePath: "\(authority.directory)/clients.pem"))
            #expect(try complaints(file: all.replacing("/etc/perseid/", with: "\(authority.directory)/")) == [])
        }
        for setting in SettingTable.all where !setting.name.hasPrefix("limits.") {
            let line = setting.name.replacing(/^.*\./, with: "  ")
            #expect(all.contains("\n\(line):"), "\(setting.name)")
        }
    }

    @Test("every variable that a file of ours names is known")
    func variables() throws {
        var named: Set<String> = []
        for directory in [
            "deploy", "deploy/kubernetes", "deploy/helm/perseid", "bench", "bench/harness", "bench/chaos_harness",
        ] {
            let files = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: directory).path)
            for file in files {
                let url = root.appending(path: "\(directory)/\(file)")
                guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
                for match in text.matches(of: /PERSEID_[A-Z_]*[A-Z]/) { named.insert(String(match.output)) }
            }
        }
        #expect(named.contains("PERSEID_API_KEYS") && named.contains("PERSEID_NODE_A"))
        // What stands for the rest of a name.
        named.subtract(["PERSEID_LIMITS", "PERSEID_NODE"])
        for name in named.sorted() {
            let said = try complaints(environment: [name: "1"])
            #expect(!said.contains { $0.contains("is not a setting") }, "\(name)")
        }
    }

    @Test("check tells no secret")
    func secrets() throws {
        let table = Check.table(
            of: try settings(
                environment: ["PERSEID_API_KEYS": "first-key,second-key"],
                file: "redis: redis://me:pass-word@r.example:1234/7"
            )
        )
        #expect(!table.contains("first-key") && !table.contains("second-key") && !table.contains("pass-word"))
        #expect(table.contains("redis://me:(hidden)@r.example:1234/7"))
        #expect(table.contains("2, hidden"))
        #expect(table.contains("PERSEID_API_KEYS") && table.contains(".yaml:1:1"))
        for setting in SettingTable.all { #expect(table.contains(setting.meaning)) }
    }

    @Test(
        "the distance of two names",
        arguments: [
            ("presense", "presence", 1), ("api-key", "api-keys", 1), ("limts", "limits", 1), ("ab", "ba", 1),
            ("", "abc", 3),
        ]
    )
    func distance(_ left: String, _ right: String, _ expected: Int) {
        #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == expected)
    }
}
