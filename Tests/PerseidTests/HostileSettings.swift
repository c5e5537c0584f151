import Testing

/// Files of settings that are wrong, and all that is said of each.
enum HostileSettings {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        /// All that is said of it.
        let complaints: [String]

        var testDescription: String { name }

        init(_ name: String, _ file: String, _ complaints: String...) { self.init(name, file, complaints) }

        init(_ name: String, _ file: String, _ complaints: [String]) {
            (self.name, self.file, self.complaints) = (name, file, complaints)
        }
    }

    static let rows = aliases + documents + names + types + rules + keys

    /// Ten lines that stand for thousands of millions of values.
    private static let laughs = (1...9).map { level in
        let below = level == 1 ? "lol" : "*l\(level - 1)"
        return "l\(level): &l\(level) [\([String](repeating: below, count: 9).joined(separator: ","))]"
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static let tooMany = "config: FILE: says more than 65536 values: are there aliases of aliases?"

    private static let aliases: [Row] = [
        Row("aliases of aliases", "api-keys:\n  - &l0 [lol]\n  - [\(expansion("api-keys"))]", tooMany),
        Row(
            "aliases of aliases under names that there are not",
            laughs.joined(separator: "\n"),
            (1...9).map { "file:\($0):1: l\($0): is not a setting; perseid check lists all there are" }
        ),
        Row("an alias of itself", "api-keys: &a [*a]", "file:1:15: found undefined alias"),
        Row("an alias of nothing", "api-keys: [*nothing]", "file:1:12: found undefined alias"),
        Row(
            "a merge",
            "limits: &a {poll-bytes-max: 5}\n<<: *a",
            "file:2:1: <<: is not a setting; perseid check lists all there are"
        ),
        Row(
            "an alias for a name",
            "? &a node-id\n: x\nlimits: {*a : 1}",
            "file:1:3: limits.node-id: is not a setting; perseid check lists all there are"
        ),
    ]

    /// An array in flow style that names the one before ten times, eight times over.
    private static func expansion(_ name: String) -> String {
        (1...8).map { level in
            let below = level == 1 ? "x" : "*a\(level - 1)"
            return "&a\(level) [\([String](repeating: below, count: 10).joined(separator: ","))]"
        }
        .joined(separator: ",")
    }

    private static let documents: [Row] = [
        Row("lists in lists", "api-keys: \(nested(900))", "file:1:12: api-keys: must be one value, not a list"),
        Row(
            "lists in lists, further than there is room",
            "api-keys: \(nested(100_000))",
            "file:1:12: Maximum nesting level reached, set with yaml_set_max_nest_level())"
        ),
        Row(
            "maps in maps",
            "limits: \(String(repeating: "{a: ", count: 5_000))1\(String(repeating: "}", count: 5_000))",
            "file:1:4001: Maximum nesting level reached, set with yaml_set_max_nest_level())"
        ),
        Row("two documents", "reactors: 1\n---\nreactors: 2", "file:2:1: but found another document"),
        Row("a NUL", "node-id: a\0b", "file:1:1: control characters are not allowed"),
        Row("a control character", "node-id: a\u{7}b", "file:1:1: control characters are not allowed"),
        Row("a tab before a name", "\treactors: 1", "file:1:1: found character that cannot start any token"),
        Row("JSON with something behind", "{\"reactors\": 1} x", "file:1:17: did not find expected <document start>"),
        Row("a list", "[reactors, 1]", "file:1:1: must be a map of names and values"),
        Row("a word", "reactors", "file:1:1: must be a map of names and values"),
        Row("a name that is a list", "? [a, b]\n: 1", "file:1:3: a name must be text"),
        Row("a name that is a map", "? {a: b}\n: 1", "file:1:3: a name must be text"),
        Row(
            "a directive that there is not",
            "%YAML 9.9\n---\nreactors: 1",
            "file:1:1: found incompatible YAML document"
        ),
        Row(
            "an object of another language",
            "node-id: !!python/object/apply:os.system [id]",
            "file:1:1: node-id: must be one value, not a list"
        ),
        Row("a text without an end", "node-id: \"a", "file:1:12: found unexpected end of stream"),
    ]

    private static let names: [Row] = [
        Row("a name twice", "insecure: false\ninsecure: true", "file:1:1: insecure: is given twice"),
        Row(
            "a name twice in a group",
            "limits: {poll-bytes-max: 1, poll-bytes-max: 2}",
            "file:1:10: poll-bytes-max: is given twice"
        ),
        Row("a name twice in a key", "api-keys: [{secret: a, secret: b}]", "file:1:13: secret: is given twice"),
        Row(
            "a name in capitals",
            "API-KEYS: [a]",
            "file:1:1: API-KEYS: is not a setting; perseid check lists all there are"
        ),
        Row(
            "a name with a space behind",
            "\"api-keys \": [a]",
            "file:1:1: api-keys : is not a setting; did you mean api-keys?"
        ),
        Row(
            "a name with a letter that looks alike",
            "\u{430}pi-keys: [a]",
            "file:1:1: \u{430}pi-keys: is not a setting; did you mean api-keys?"
        ),
        Row(
            "a name without an end",
            "\(String(repeating: "x", count: 100_000)): 1",
            "file:1:100001: mapping values are not allowed in this context"
        ),
        Row("a group as a name", "limits.poll-bytes-max: 1"),
        Row(
            "a group that is a list",
            "limits: [poll-bytes-max]",
            "file:1:1: limits: must be a map of names and values"
        ),
        Row(
            "nobody's name",
            "__proto__: {insecure: true}",
            "file:1:1: __proto__: is not a setting; perseid check lists all there are"
        ),
        Row("no name", "\"\": 1", "file:1:1: is not a setting; perseid check lists all there are"),
    ]

    private static let types: [Row] = [
        Row(
            "a number beyond 64 bits",
            "reactors: 99999999999999999999",
            "file:1:1: reactors: 99999999999999999999 is not between 1 and 64"
        ),
        Row(
            "a number below nothing",
            "limits: {message-bytes-max: -1}",
            "file:1:10: limits.message-bytes-max: -1 is not between 1 and 1099511627776"
        ),
        Row(
            "a number that is none",
            "limits: {message-bytes-max: .nan}",
            "file:1:10: limits.message-bytes-max: .nan is not a whole number"
        ),
        Row(
            "a number without an end",
            "limits: {message-bytes-max: .inf}",
            "file:1:10: limits.message-bytes-max: .inf is not a whole number"
        ),
        Row(
            "a number in hexadecimal",
            "limits: {message-bytes-max: 0x100}",
            "file:1:10: limits.message-bytes-max: 0x100 is not a whole number"
        ),
        Row(
            "a number in octal",
            "limits: {message-bytes-max: 0o17}",
            "file:1:10: limits.message-bytes-max: 0o17 is not a whole number"
        ),
        Row(
            "a number with an exponent",
            "limits: {message-bytes-max: 1e6}",
            "file:1:10: limits.message-bytes-max: 1e6 is not a whole number"
        ),
        Row(
            "a number with its unit",
            "limits: {message-bytes-max: 64KiB}",
            "file:1:10: limits.message-bytes-max: 64KiB is not a whole number"
        ),
        Row("a number in other digits", "reactors: \u{661}", "file:1:1: reactors: \u{661} is not a whole number"),
        Row("a number with a plus", "reactors: +4", "file:1:1: reactors: +4 is not a whole number"),
        Row("a yes that is a list", "insecure: [true]", "file:1:1: insecure: must be one value, not a list"),
        Row("a yes in quotes", "insecure: \"true\"", "file:1:1: insecure: must be true or false, not text in quotes"),
        Row("a yes that is a map", "insecure: {true: true}", "file:1:1: insecure: must be one value, not a map"),
        Row("a port beyond the last", "listen: 127.0.0.1:65536", "file:1:1: listen: 127.0.0.1:65536 is not HOST:PORT"),
        Row("a port below nothing", "listen: 127.0.0.1:-1", "file:1:1: listen: 127.0.0.1:-1 is not HOST:PORT"),
        Row(
            "an address that looks like loopback",
            "listen: 127.0.0.1.example.org:80",
            "file:1:1: listen: 127.0.0.1.example.org can be reached from other machines and there are neither rules nor api-keys: set some, or pass --insecure"
        ),
        Row(
            "an address in other bases",
            "listen: 0x7f.1:80",
            "file:1:1: listen: 0x7f.1 can be reached from other machines and there are neither rules nor api-keys: set some, or pass --insecure"
        ),
    ]

    private static let rules: [Row] = [
        Row("no rules", "rules: []", "file:1:1: rules: is empty: without rules a node is open; leave it out to say so"),
        Row(
            "a rule for nothing",
            "rules: [{subscribe: anyone}]",
            "file:1:9: rules: a rule must say which channels it is for"
        ),
        Row(
            "a rule that says it twice",
            "rules: [\"room/* subscribe=users subscribe=anyone\"]",
            "file:1:9: subscribe: is said twice"
        ),
        Row("a rule for two", "rules: [\"room/* channels=** subscribe=anyone\"]", "file:1:9: channels: is said twice"),
        Row(
            "a rule for whom there is not",
            "rules: [{channels: \"**\", subscribe: everyone}]",
            "file:1:26: subscribe: everyone is not one of anyone, users, granted, owner, hook, nobody"
        ),
        Row(
            "a rule for what there is not",
            "rules: [{channels: \"**\", subscribed: anyone}]",
            "file:1:26: subscribed: is nothing that a rule says; did you mean subscribe?"
        ),
        Row(
            "a rule that compresses as nobody does",
            "rules: [{channels: \"**\", compress: gzip}]",
            "file:1:26: compress: gzip is not one of off, alone, shared"
        ),
        Row(
            "a rule of more batches than anybody sees",
            "rules: [{channels: \"**\", max-rate: 21}]",
            "file:1:26: max-rate: 21 must be a number from 0.1 to 20"
        ),
        Row(
            "a rule of no batches",
            "rules: [\"** max-rate=0\"]",
            "file:1:9: max-rate: 0 must be a number from 0.1 to 20"
        ),
        Row(
            "a rule of a pace that nobody has",
            "rules: [{channels: \"**\", pace: oldest}]",
            "file:1:26: pace: oldest is not one of batch, newest"
        ),
        Row(
            "a rule that remembers less than nothing",
            "rules: [{channels: \"**\", history-count: -1}]",
            "file:1:26: history-count: -1 is not between 0 and 1099511627776"
        ),
        Row(
            "a rule that remembers for no time",
            "rules: [\"** history-seconds=0\"]",
            "file:1:9: history-seconds: 0 is not between 1 and 315360000"
        ),
        Row(
            "a rule that remembers more than the limits allow",
            "rules: [{channels: a}, {channels: \"**\", history-count: 101}]",
            "file:1:1: rules: rule 2 says history-count: 101, which is more than limits.history-count-max"
        ),
        Row(
            "a rule that remembers for longer than the limits allow",
            "rules: [{channels: \"**\", history-seconds: 301}]",
            "file:1:1: rules: rule 1 says history-seconds: 301, which is more than limits.history-milliseconds"
        ),
        Row(
            "a rule of more keys than the limits allow",
            "rules: [{channels: \"**\", keyed: true, history-count: 1001}]",
            "file:1:1: rules: rule 1 says history-count: 1001, which is more than limits.keys-max"
        ),
        Row(
            "a keyed rule that keeps no key",
            "rules: [\"** keyed=true history-count=0\"]",
            "file:1:9: rules: **: a keyed channel keeps one key at least"
        ),
        Row(
            "a rule that compresses twice",
            "rules: [\"** compress=alone compress=off\"]",
            "file:1:9: compress: is said twice"
        ),
        Row(
            "an owner of nothing",
            "rules: [{channels: \"user/*\", subscribe: owner}]",
            "file:1:9: rules: user/*: an owner is whose name stands in {sub}, and there is none"
        ),
        Row(
            "a star within",
            "rules: [{channels: \"a*\", subscribe: anyone}]",
            "file:1:10: channels: is not a pattern such as room/*, user/{sub}/** or **: a wildcard is a whole segment"
        ),
        Row(
            "a rule for several",
            "rules: [{channels: [a, b], subscribe: anyone}]",
            "file:1:10: channels: must be one value, not a list"
        ),
        Row(
            "a rule left to nobody",
            "rules: [{channels: \"**\", publish: hook}]",
            "file:1:1: rules: rule 1 leaves publish to a hook, and there is no hooks.publish"
        ),
        Row("a secret that is short", "tokens: {hmac: {main: short}}", "file:1:17: main: has 5 bytes and needs 32"),
        Row(
            "a secret that is a list",
            "tokens: {hmac: {main: [a, b]}}",
            "file:1:17: main: must be one value, not a list"
        ),
        Row(
            "a leeway of a year",
            "tokens: {leeway-seconds: 31536000}",
            "file:1:10: tokens.leeway-seconds: 31536000 is not between 0 and 3600"
        ),
        Row(
            "a network of all",
            "trusted-proxies: [0.0.0.0/33]",
            "file:1:19: trusted-proxies: 0.0.0.0/33 is not an address or a network, such as 192.0.2.7 or 10.0.0.0/8"
        ),
        Row(
            "a network with bits behind",
            "trusted-proxies: [10.0.0.1/8x]",
            "file:1:19: trusted-proxies: 10.0.0.1/8x is not an address or a network, such as 192.0.2.7 or 10.0.0.0/8"
        ),
        Row(
            "a hook with a password",
            "hooks: {connect: \"http://user:secret@a/\"}",
            "file:1:9: url: is not http[s]://HOST[:PORT][/PATH]"
        ),
        Row(
            "a hook that says it twice",
            "hooks: {connect: \"http://a on-failure=refuse on-failure=allow\"}",
            "file:1:9: hooks.connect: on-failure is said twice"
        ),
        Row(
            "a hook that is a file",
            "hooks: {connect: \"file:///etc/passwd\"}",
            "file:1:9: url: is not http[s]://HOST[:PORT][/PATH]"
        ),
        Row(
            "a hook with a line within",
            "hooks: {connect: \"http://a/\\r\\nX: y\"}",
            "file:1:9: hooks.connect: one of its words is not NAME=VALUE, such as timeout=500"
        ),
    ]

    private static let keys: [Row] = [
        Row("no key", "api-keys: [\"\"]", "file:1:12: api-keys: an item of the list is empty"),
        Row(
            "a key with a line within",
            "api-keys: [\"a\\nb\"]",
            "file:1:12: api-keys: a key may have visible ASCII characters only, and no spaces"
        ),
        Row("a key of nothing", "api-keys: [null]", "file:1:12: api-keys: an item of the list is empty"),
        Row(
            "a key that is short for its hash",
            "api-keys: [{sha256: abc}]",
            "file:1:13: sha256: is not a SHA-256 in 64 hexadecimal digits"
        ),
        Row(
            "a hash in other digits",
            "api-keys: [{sha256: \(String(repeating: "\u{ff11}", count: 64))}]",
            "file:1:13: sha256: is not a SHA-256 in 64 hexadecimal digits"
        ),
        Row(
            "a key for nothing",
            "api-keys: [{secret: a, scopes: []}]",
            "file:1:24: scopes: is empty: the key could do nothing"
        ),
        Row(
            "a key for all by a star within",
            "api-keys: [{secret: a, channels: [\"a**\"]}]",
            "file:1:35: channels: is not a pattern such as room/*, news/** or **: a wildcard is a whole segment"
        ),
        Row(
            "the same key twice",
            "api-keys: [a, a]",
            "file:1:15: api-keys: there is another key with the same name or secret"
        ),
        Row(
            "a cookie with a line within",
            "tokens: {cookie: \"a\\nb\"}",
            "file:1:10: tokens.cookie: a\nb is not the name of a cookie"
        ),
        Row(
            "a path of its own for others",
            "bayeux: [/channels]",
            "file:1:10: bayeux: /channels is not a path such as /cometd, or one that the node has for something else"
        ),
        Row("a path above", "bayeux: [/../x]"),
        Row(
            "an origin with a path",
            "allowed-origins: [\"https://a.example/x\"]",
            "file:1:19: allowed-origins: https://a.example/x is not an origin, such as https://www.example.org: no path, no slash behind it"
        ),
        Row(
            "a host with a port",
            "allowed-hosts: [\"a:80\"]",
            "file:1:17: allowed-hosts: a:80 is not the name of a host: no scheme, no port, no star within"
        ),
    ]
}
