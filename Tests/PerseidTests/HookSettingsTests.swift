import Broker
import Edge
import Foundation
import Hooks
import Testing

@testable import perseid

/// Settings of backends that are asked.
@Suite struct HookSettingsTests {
    private static let secret = "0123456789abcdef0123456789abcdef"

    @Test("a hook is an address, a map, or a text with all there is to say")
    func forms() throws {
        let all = try settings(
            environment: ["PERSEID_HOOKS_CALL": "http://127.0.0.1:9000/call timeout=250 requests=2"],
            file: """
                hooks:
                  connect:
                    url: https://backend.example/connect
                    timeout: 500
                    on-failure: allow
                    secret: [\(Self.secret), \(Self.secret)2]
                    fields: [Cookie, X-Tenant]
                    requests: 3
                    queue: 4
                    breaker-failures: 5
                    breaker-pause: 6
                  publish: http://[::1]:9000
                """
        )
        var connect = HookPolicy(url: "https://backend.example/connect")
        connect.timeoutMilliseconds = 500
        connect.allowsOnFailure = true
        connect.secrets = [Array(Self.secret.utf8), Array("\(Self.secret)2".utf8)]
        connect.fields = ["cookie", "x-tenant"]
        (connect.requestsMax, connect.waitingMax) = (3, 4)
        (connect.breakerFailures, connect.breakerMilliseconds) = (5, 6)
        #expect(all.edge.hooks[.connect] == connect)
        #expect(all.edge.hooks[.publish] == HookPolicy(url: "http://[::1]:9000"))
        #expect(all.edge.hooks[.call]?.timeoutMilliseconds == 250)
        #expect(all.edge.hooks[.call]?.requestsMax == 2)
        #expect(all.edge.hooks.count == 3)
        let table = Check.table(of: all)
        #expect(table.contains("2, hidden") && !table.contains(Self.secret))
    }

    @Test(
        "what is no hook is an error with its place, and says no secret",
        arguments: [
            ("connect: {timeout: 5}", "must say its url"), ("connect: ftp://a/", "is not http[s]://"),
            ("connect: \"http://user:password@a/\"", "is not http[s]://"),
            ("connect: {url: http://a, timout: 5}", "timeout?"),
            ("connect: {url: http://a, timeout: 0}", "is not between"),
            ("connect: {url: http://a, secret: short}", "needs 32"),
            ("connect: {url: http://a, on-failure: never}", "refuse, allow"),
            ("call: http://a on-failure=allow", "nothing can be allowed"),
            ("publish: {url: http://a, fields: [cookie]}", "only connect"),
            ("connect: {url: http://a, fields: [\"a b\"]}", "name of a field"),
            ("connect: {url: http://a, ca: /nowhere.pem}", "cannot be read"),
            ("conect: http://a", "did you mean hooks.connect"),
        ]
    )
    func faults(_ line: String, _ complaint: String) throws {
        let said = try complaints(file: "hooks:\n  \(line)")
        #expect(said.count == 1 && said[0].contains(complaint) && said[0].hasPrefix("file:2:"), "\(said)")
        #expect(!said.contains { $0.contains("short") || $0.contains("password") })
    }

    @Test("a rule that leaves something to a hook needs that")
    func rules() throws {
        let hooks = "\nhooks:\n  subscribe: http://a\n"
        for action in ["subscribe", "presence", "history"] {
            #expect(
                try complaints(file: "rules: [{channels: \"**\", \(action): hook}]").first?.contains(
                    "no hooks.subscribe"
                ) == true
            )
            #expect(try complaints(file: "rules: [{channels: \"**\", \(action): hook}]\(hooks)") == [])
        }
        #expect(
            try complaints(file: "rules: [{channels: \"**\", publish: hook}]\(hooks)").first?.contains(
                "no hooks.publish"
            ) == true
        )
    }

    @Test("sets of keys are files, or addresses that are not fetched before the node runs")
    func keySets() throws {
        let all = try settings(file: "tokens:\n  jwks: [\"https://login.example/keys\", \"http://127.0.0.1:1/keys\"]")
        #expect(all.edge.keySets == ["https://login.example/keys", "http://127.0.0.1:1/keys"])
        #expect(all.tokenSets.isEmpty)
        #expect(
            try complaints(file: "tokens:\n  jwks: [\"ftp://login.example/keys\"]").first?.contains(
                "neither a file nor"
            ) == true
        )
    }
}
