import Broker
import Edge
import Foundation
import Logging
import Testing

@testable import perseid

/// What a node makes of what it is told: all of it counts, or the node does not start.
@Suite struct SettingsTests {
    // MARK: Mistakes that left a node open

    @Test("a key may say what it is for, and have its hash in the file instead of itself")
    func scopedKeys() throws {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
        let file = """
            api-keys:
              - {name: billing, secret: first, scopes: [publish], channels: ["billing/**", news]}
              - {sha256: \(hash)}
            """
        let keys = try settings(file: file).edge.apiKeys
        #expect(keys.map(\.name) == ["billing", "key 2"])
        #expect(keys.map(\.hash) == ["first", "secret"].map(SecretHash.init(of:)))
        #expect(keys.map(\.scopes) == [[.publish], [.publish, .read, .admin]])
        #expect(keys[0].channels.map(\.text) == ["billing/**", "news"])
        #expect(try SettingTable["api-keys"]?.show(settings(file: file)) == "billing, key 2, hidden")
    }

    @Test(
        "what a key says wrongly is an error, and shows no secret",
        arguments: [
            ("{name: a}", "a key must have a secret, or the sha256 of one"),
            ("{secret: hidden, sha256: 00}", "is said already: either secret or sha256"),
            ("{sha256: 00}", "is not a SHA-256 in 64 hexadecimal digits"),
            ("{secret: hidden, scopes: [all]}", "all is not one of publish, read, admin"),
            ("{secret: hidden, scopes: []}", "is empty: the key could do nothing"),
            ("{secret: hidden, scope: [read]}", "is nothing that a key says; did you mean scopes?"),
            ("{secret: hidden, channels: ['a*']}", "is not a pattern such as room/*, news/** or **"),
            ("{secret: hidden, channels: []}", "is empty: leave it out to mean all channels"),
            ("{secret: 'hidden '}", "a key may have visible ASCII characters only, and no spaces"),
            ("{name: other, secret: known}", "there is another key with the same name or secret"),
        ]
    )
    func scopedKeyMistakes(key: String, reason: String) throws {
        let said = try complaints(file: "api-keys:\n  - known\n  - \(key)")
        #expect(said.count == 1 && said[0].contains(reason), "\(said)")
        #expect(said[0].hasPrefix("file:3:") && !said[0].contains("hidden"))
    }

    @Test("a key that is no list is not ignored", arguments: ["api-keys: secret", "api-keys: {secret: 1}"])
    func keyOutsideAList(_ file: String) throws {
        let said = try complaints(file: file)
        try #require(said.count == 1)
        #expect(said[0].hasPrefix("file:1:1: api-keys: must be a list"))
        #expect(!said[0].contains("secret"))
    }

    @Test(
        "a name that nobody knows is an error at its place, with the name that was meant",
        arguments: [
            ("listen: 127.0.0.1:80\napi-key: [a]", "file:2:1: api-key: is not a setting; did you mean api-keys?"),
            ("presense: [room/**]", "file:1:1: presense: is not a setting; did you mean presence?"),
            (
                "limits:\n  mesage-bytes-max: 1",
                "file:2:3: limits.mesage-bytes-max: is not a setting; did you mean limits.message-bytes-max?"
            ),
            ("poll-bytes-max: 1", "file:1:1: poll-bytes-max: is not a setting; did you mean limits.poll-bytes-max?"),
            (
                "tls-certificate-of-mine: x",
                "file:1:1: tls-certificate-of-mine: is not a setting; perseid check lists all there are"
            ),
        ]
    )
    func unknownName(_ file: String, _ expected: String) throws {
        #expect(try complaints(file: file) == [expected])
    }

    @Test(
        "a variable that nobody knows is an error by its name, with the name that was meant",
        arguments: [
            ("PERSEID_API_KEYZ", "PERSEID_API_KEYZ: is not a setting; did you mean PERSEID_API_KEYS?"),
            (
                "PERSEID_LIMTS_MESSAGE_BYTES_MAX",
                "PERSEID_LIMTS_MESSAGE_BYTES_MAX: is not a setting; did you mean PERSEID_LIMITS_MESSAGE_BYTES_MAX?"
            ),
            (
                "PERSEID_POLL_BYTES_MAX",
                "PERSEID_POLL_BYTES_MAX: is not a setting; did you mean PERSEID_LIMITS_POLL_BYTES_MAX?"
            ),
        ]
    )
    func unknownVariable(_ name: String, _ expected: String) throws {
        #expect(try complaints(environment: [name: "5"]) == [expected])
    }

    @Test("variables of other commands and of Kubernetes are let be")
    func foreignVariables() throws {
        let environment = [
            "PERSEID_URL": "http://a", "PERSEID_API_KEY": "k", "PERSEID_PORT": "8080", "PERSEID_PORT_A": "8081",
            "PERSEID_NODE_A": "a:8080", "PERSEID_BIND": ":8080", "PERSEID_MAXCONN": "9", "PERSEID_REDIS_PORT": "6390",
            "PERSEID_SIMULATION_SEEDS": "1..2", "PERSEID_SERVICE_HOST": "10.0.0.1",
            "PERSEID_SERVICE_PORT_HTTP": "80", "PERSEID_PORT_8080_TCP_ADDR": "10.0.0.1",
            "PERSEID_CACHE_PORT": "tcp://10.0.0.1:6379", "HOME": "/", "PERSEIDS": "a shower",
        ]
        #expect(try complaints(environment: environment) == [])
        #expect(try complaints(environment: ["PERSEID_LISTEN_PORT": "80"]).count == 1)
    }

    // MARK: Wrong types

    @Test(
        "a value of another type is an error at its place",
        arguments: [
            ("reactors: abc", "reactors: abc is not a whole number"),
            ("reactors: \"4\"", "reactors: must be a number, not text in quotes"),
            ("reactors: 0", "reactors: 0 is not between 1 and 64"),
            ("reactors: 1.5", "reactors: 1.5 is not a whole number"),
            ("reactors: [4]", "reactors: must be one value, not a list"),
            ("reactors:", "reactors: is empty: give it a value, or leave it out"),
            ("insecure: maybe", "insecure: maybe is neither true nor false"),
            ("insecure: 1", "insecure: 1 is neither true nor false"),
            ("listen: 8080", "listen: 8080 is not HOST:PORT"),
            ("listen: \"127.0.0.1:+80\"", "listen: 127.0.0.1:+80 is not HOST:PORT"),
            ("listen: :8080", "listen: :8080 names no host: 0.0.0.0:8080 is every address of this machine"),
            ("node-id: a/b", "node-id: a/b is not 1 to 64 letters, digits, dots, dashes or underscores"),
            ("io-uring: on", "io-uring: on is not one of auto, off"),
            (
                "log-level: verbose",
                "log-level: verbose is not one of trace, debug, info, notice, warning, error, critical"
            ),
            ("limits: 5", "limits: must be a map of names and values"),
            ("limits: {poll-bytes-max: -1}", "limits.poll-bytes-max: -1 is not between 1 and 1099511627776"),
            (
                "limits: {poll-bytes-max: 99999999999999999999}",
                "limits.poll-bytes-max: 99999999999999999999 is not between 1 and 1099511627776"
            ),
            (
                "limits: {head-milliseconds: 9223372036854775807}",
                "limits.head-milliseconds: 9223372036854775807 is not between 1 and 315360000000"
            ),
            ("api-keys:", "api-keys: is empty: give it a list, or leave it out"),
            ("api-keys: [a b]", "api-keys: a key may have visible ASCII characters only, and no spaces"),
            ("presence: [a/**/b]", "presence: a/**/b is not a channel pattern"),
            (
                "presence: [room*]",
                "presence: room*: a star stands for a whole segment, as in room/*, or room/** for all below room"
            ),
            ("presence: [$a]", "presence: $a: channels of the system have no presence"),
            ("policies: [a=skips]", "policies: a=skips is not PATTERN=POLICY[:WINDOW], as in logs/**=skip:4194304"),
            (
                "policies: [\"a=skip:-1\"]",
                "policies: a=skip:-1 is not PATTERN=POLICY[:WINDOW], as in logs/**=skip:4194304"
            ),
            (
                "allowed-origins: [https://a.example/]",
                "allowed-origins: https://a.example/ is not an origin, such as https://www.example.org: no path, no slash behind it"
            ),
            (
                "allowed-hosts: [\"a:80\"]",
                "allowed-hosts: a:80 is not the name of a host: no scheme, no port, no star within"
            ),
            ("public-origin: [push.example]", "public-origin: push.example is not http[s]://HOST[:PORT]"),
            (
                "redis: localhost:6379",
                "redis: is not redis[s]://[user[:password]@]host[:port][/database], unix://[user[:password]@]/path[?db=database] or "
                    + "redis[s]+sentinel://[user[:password]@]host[:port][,host[:port]…]/master-name[/database], each with #name if wished, "
                    + "or redis[s]+cluster://[user[:password]@]host[:port][,host[:port]…]"
            ),
        ]
    )
    func wrongType(_ file: String, _ expected: String) throws {
        let said = try complaints(file: file).map { $0.replacing(#/^file:\d+:\d+: /#, with: "") }
        #expect(said == [expected])
    }

    @Test("an empty item of a list is an error where it stands")
    func emptyItem() throws {
        #expect(try complaints(file: "api-keys:\n  - a\n  -\n") == ["file:3:4: api-keys: an item of the list is empty"])
        #expect(
            try complaints(environment: ["PERSEID_API_KEYS": "a,,b"]) == [
                "PERSEID_API_KEYS: an item of the list is empty"
            ]
        )
        #expect(try complaints(flags: ["api-keys": "a, "]) == ["--api-keys: an item of the list is empty"])
        #expect(
            try complaints(environment: ["PERSEID_API_KEYS": ""]) == ["PERSEID_API_KEYS: an item of the list is empty"]
        )
    }

    @Test("variables and flags are judged like the file")
    func otherSources() throws {
        #expect(
            try complaints(environment: ["PERSEID_REACTORS": "abc"]) == ["PERSEID_REACTORS: abc is not a whole number"]
        )
        #expect(try complaints(flags: ["reactors": "abc"]) == ["--reactors: abc is not a whole number"])
        #expect(try complaints(environment: ["PERSEID_REDIS": ""]).count == 1)
        #expect(try complaints(environment: ["PERSEID_LIMITS_POLL_BYTES_MAX": "-5"]).count == 1)
    }

    @Test("what a flag replaces must be right as well, and all that is wrong is told at once")
    func everything() throws {
        let said = try complaints(
            flags: ["reactors": "2", "log-format": "xml"],
            environment: ["PERSEID_REACTORS": "many"],
            file: "reactors: x\npresense: []"
        )
        #expect(said.count == 3)
        #expect(said.contains("file:2:1: presense: is not a setting; did you mean presence?"))
        #expect(said.contains("PERSEID_REACTORS: many is not a whole number"))
        #expect(said.contains("--log-format: xml is not one of text, json"))
    }

    // MARK: Files

    @Test(
        "a name that is given twice is an error",
        arguments: ["reactors: 1\nlisten: a:1\nreactors: 2", "limits: {a: 1, a: 2}"]
    )
    func twice(_ file: String) throws {
        let said = try complaints(file: file)
        try #require(said.count == 1)
        #expect(said[0].hasSuffix(": is given twice"))
        #expect(said[0].hasPrefix("file:1:"))
    }

    @Test("a file that is no YAML is told with the place, and nothing of it is repeated")
    func noYAML() throws {
        let said = try complaints(file: "api-keys: [secret\nlisten: }")
        try #require(said.count == 1)
        #expect(said[0].hasPrefix("file:2:"))
        #expect(!said[0].contains("secret"))
        #expect(try complaints(file: "- a").first?.hasSuffix("must be a map of names and values") == true)
        #expect(try complaints(file: "a: 1\n---\nb: 1").count == 1)
    }

    @Test("a file that is not there is an error")
    func noFile() throws {
        #expect(throws: SettingsErrors.self) { try Settings(flags: [], environment: [:], file: "/nowhere/at.yaml") }
        #expect(throws: SettingsErrors.self) {
            try Settings(flags: [], environment: ["PERSEID_CONFIG": "/nowhere/at.yaml"], file: nil)
        }
    }

    @Test(
        "an empty file, and a group with every line commented out, are none",
        arguments: ["", "# nothing\n", "limits:\n#  a: 1\n"]
    )
    func emptyFile(_ file: String) throws {
        #expect(try complaints(file: file) == [])
    }

    // MARK: What is right

    @Test("a flag wins over a variable, and that over the file; each says where it comes from")
    func precedence() throws {
        let file = "reactors: 3\nnode-id: c\nlog-level: error\n"
        let environment = ["PERSEID_REACTORS": "2", "PERSEID_NODE_ID": "b"]
        let all = try settings(flags: ["reactors": "1"], environment: environment, file: file)
        #expect(all.edge.reactorCount == 1 && all.edge.nodeID == "b" && all.logLevel == .error)
        #expect(all.source(of: "reactors") == .flag("reactors"))
        #expect(all.source(of: "node-id") == .environment("PERSEID_NODE_ID"))
        #expect(all.source(of: "listen") == .usual)
        guard case .file(_, 3, 1) = all.source(of: "log-level") else {
            Issue.record("\(all.source(of: "log-level"))")
            return
        }
    }

    @Test("lists come as lists, or separated by commas")
    func lists() throws {
        #expect(
            try settings(file: "api-keys: [a, b]").edge.apiKeys.map(\.hash) == ["a", "b"].map(SecretHash.init(of:))
        )
        #expect(
            try settings(environment: ["PERSEID_API_KEYS": "a, b"]).edge.apiKeys.map(\.hash)
                == ["a", "b"].map(SecretHash.init(of:))
        )
        #expect(try settings(flags: ["presence": "a/*,b/**"]).edge.presence.map(\.text) == ["a/*", "b/**"])
        #expect(try settings(file: "api-keys: []").edge.apiKeys.isEmpty)
        #expect(
            try settings(file: "policies: [\"a/**=skip:4096\", b=latest]").edge.policies.map(\.text) == [
                "a/**=skip:4096", "b=latest",
            ]
        )
    }

    @Test(
        "text is text as it is written, whatever YAML would make of it",
        arguments: ["no", "007", "1_000", "\"7\"", "'~'".replacing("~", with: "x")]
    )
    func text(_ written: String) throws {
        let id = try settings(file: "node-id: \(written)").edge.nodeID
        #expect(id == written.trimmingCharacters(in: CharacterSet(charactersIn: "\"'")))
    }

    @Test(
        "beyond loopback only with keys, whatever the host is called",
        arguments: ["0.0.0.0", "127.example.org", "[::]", "10.0.0.1"]
    )
    func exposure(_ host: String) throws {
        #expect(try complaints(flags: ["listen": "\(host):80"]).first?.contains("neither rules nor api-keys") == true)
        #expect(try complaints(flags: ["listen": "\(host):80", "insecure": "true"]) == [])
        #expect(try complaints(flags: ["listen": "\(host):80", "api-keys": "a"]) == [])
    }
}
