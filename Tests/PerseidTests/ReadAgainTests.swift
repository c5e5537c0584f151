import Broker
import Edge
import TestCertificates
import Testing

@testable import perseid

/// What a running node makes of settings that are read again: all that can change of them, or nothing.
@Suite struct ReadAgainTests {
    private let rules = "rules: [{channels: a, subscribe: anyone}]\n"

    /// What is said of a second file once a node was started with the first; nothing, if it is taken.
    private func complaint(startedWith first: String, then second: String) throws -> String? {
        do {
            _ = try settings(file: first).changed(by: try settings(file: second))
            return nil
        } catch let error as SettingsError {
            return error.description
        }
    }

    @Test("a node that others reach keeps its rules, wherever the file says by now that it listens")
    func exposure() throws {
        let said = try complaint(startedWith: "listen: 0.0.0.0:80\n" + rules, then: "listen: 127.0.0.1:80\n")
        #expect(said?.contains("listen: 0.0.0.0 can be reached from other machines") == true, "\(said ?? "taken")")
        #expect(try complaint(startedWith: "listen: 127.0.0.1:80\n" + rules, then: "listen: 127.0.0.1:80\n") == nil)
    }

    @Test("a node that others reach with TLS keeps its rules although the file no longer says so")
    func secureExposure() throws {
        try withAuthority { authority in
            try authority.write(try authority.issue(["a.example"]), as: "a")
            let pair = "{certificate: \(authority.directory)/a.pem, key: \(authority.directory)/a.key}"
            let tls = "tls: {listen: '0.0.0.0:8443', certificates: [\(pair)]}\n"
            let said = try complaint(startedWith: tls + rules, then: "listen: 127.0.0.1:80\n")
            #expect(said?.contains("tls.listen: 0.0.0.0 can be reached") == true, "\(said ?? "taken")")
        }
    }

    @Test("insecure counts while it is said, and no longer")
    func insecure() throws {
        let first = try settings(file: "listen: 0.0.0.0:80\n" + rules)
        let open = try first.changed(by: try settings(file: "listen: 0.0.0.0:80\ninsecure: true\n"))
        #expect(open.isInsecure && open.edge.rules.isEmpty)
        let closed = try open.changed(by: try settings(file: "listen: 0.0.0.0:80\n" + rules))
        #expect(!closed.isInsecure && !closed.edge.rules.isEmpty)
        let other = try settings(file: "listen: 127.0.0.1:80\n")
        #expect(throws: SettingsError.self) { try closed.changed(by: other) }
    }

    @Test(
        "rules that need what a node gets only when it is started anew are refused, at their place",
        arguments: [
            (
                "redis: redis://127.0.0.1\nrules: [{channels: a, subscribe: anyone, durable: 1}]",
                ":2:1: rules: rule 1 says durable, and without redis there are no replicas"
            ),
            (
                "limits: {history-count-max: 5000}\nrules: [{channels: a, subscribe: anyone, history-count: 5000}]",
                ":2:1: rules: rule 1 says history-count: 5000, which is more than limits.history-count-max"
            ),
        ]
    )
    func missing(_ file: String, _ expected: String) throws {
        #expect(try complaints(file: file) == [])
        let said = try complaint(startedWith: rules, then: file)
        #expect(said?.hasSuffix(expected) == true, "\(said ?? "taken")")
    }
}
