import Testing

@testable import Broker

@Suite("Rules")
struct AccessTests {
    private func relation(_ pattern: String, _ channel: String) throws -> AccessPattern.Relation {
        try #require(AccessPattern(pattern)).relation(to: try #require(ChannelName(channel)))
    }

    @Test(
        "what a rule has to do with a channel, or with all of a pattern",
        arguments: [
            ("a", "a", .all), ("a", "b", .none), ("a", "a/b", .none), ("*", "a", .all), ("*", "a/b", .none),
            ("**", "a", .all), ("**", "a/b", .all), ("a/**", "a", .none), ("a/**", "a/b/c", .all),
            ("a/*/c", "a/b/c", .all),
            ("a/*/c", "a/b/d", .none), ("user/{sub}/x", "user/bob/x", .all), ("user/{sub}", "user/bob/x", .none),
            ("a/*", "a/*", .all), ("a/b", "a/*", .some), ("a/b", "b/*", .none), ("a/b/c", "a/*", .none),
            ("a/**", "a/*", .all),
            ("**", "a/*", .all), ("*", "a/*", .none), ("a/b/**", "a/*", .none), ("{sub}/*", "a/*", .all),
            ("*/b", "a/*", .some), ("*", "*", .all), ("a", "*", .some), ("a/*", "a/**", .some), ("a/**", "a/**", .all),
            ("a/b/**", "a/**", .some), ("a", "a/**", .none), ("a/b", "**", .some), ("**", "**", .all),
            ("*/**", "**", .some),
            ("*/**", "a/**", .all), ("a/b/c", "a/b/c/**", .none), ("a/*/c/**", "a/**", .some), ("b/**", "a/**", .none),
        ] as [(String, String, AccessPattern.Relation)]
    )
    func relations(pattern: String, channel: String, expected: AccessPattern.Relation) throws {
        #expect(try relation(pattern, channel) == expected)
    }

    @Test("what is said of a pattern is true of each channel that it stands for")
    func agreement() throws {
        let texts = ["a", "b", "a/a", "a/b", "b/a", "a/a/a", "a/b/a", "b/b/b", "a/a/b/b"]
        let patterns = ["*", "**", "a/*", "a/**", "*/a", "*/*", "a/b", "a/*/a", "*/**", "{sub}/b", "a/*/**", "b"]
        for asked in ["*", "**", "a/*", "a/**", "b/*", "a/b/**"] {
            let name = try #require(ChannelName(asked))
            let channels = texts.compactMap { ChannelName($0) }.filter { name.stands(for: $0) }
            for text in patterns {
                let pattern = try #require(AccessPattern(text))
                let meant = channels.filter { pattern.relation(to: $0) == .all }
                switch pattern.relation(to: name) {
                case .all: #expect(meant.count == channels.count, "\(text) and \(asked)")
                case .none: #expect(meant.isEmpty, "\(text) and \(asked)")
                case .some: break
                }
            }
        }
    }

    @Test("what is no pattern", arguments: ["", "/", "a//b", "a/", "**/a", "a*", "a/b*", "{sub}x", "{user}", "a/{"])
    func malformed(text: String) { #expect(AccessPattern(text) == nil) }

    private func judge(
        _ rules: [(String, [AccessAction: Permission])],
        _ action: AccessAction,
        _ channel: String,
        _ user: String? = nil,
        grants: [AccessAction: [String]] = [:]
    ) throws -> AccessRules.Verdict {
        let all = rules.map { AccessRules.Rule(channels: AccessPattern($0.0)!, permissions: $0.1) }
        let granted = grants.mapValues { $0.map { AccessPattern($0)! } }
        let identity = user == nil && grants.isEmpty ? nil : Identity(user: user, grants: granted)
        return AccessRules(all).judge(action, in: try #require(ChannelName(channel)), by: identity)
    }

    @Test("the first rule that is for a channel decides, also about what it does not name")
    func first() throws {
        let rules: [(String, [AccessAction: Permission])] = [
            ("a/*", [.subscribe: .users]), ("**", [.subscribe: .anyone, .publish: .anyone]),
        ]
        #expect(try judge(rules, .subscribe, "a/b") == .init(decision: .refused, rule: 0, permission: .users))
        #expect(try judge(rules, .publish, "a/b", "x") == .init(decision: .refused, rule: 0, permission: .nobody))
        #expect(try judge(rules, .publish, "b") == .init(decision: .allowed, rule: 1, permission: .anyone))
        #expect(try judge(rules, .history, "b").isAllowed == false)
        #expect(
            try judge([], .publish, "b").isAllowed && judge([("a", [.subscribe: .anyone])], .subscribe, "b").rule == nil
        )
    }

    @Test("a pattern is allowed if each rule that is for some of it allows that, and the last for all of it")
    func patterns() throws {
        let rules: [(String, [AccessAction: Permission])] = [
            ("a/secret", [.subscribe: .nobody]), ("a/*", [.subscribe: .anyone]), ("u/{sub}/**", [.subscribe: .owner]),
        ]
        #expect(try judge(rules, .subscribe, "a/b").isAllowed && !judge(rules, .subscribe, "a/*").isAllowed)
        #expect(
            try judge(rules, .subscribe, "u/me/**", "me").isAllowed && !judge(rules, .subscribe, "u/**", "me").isAllowed
        )
        #expect(
            try !judge(rules, .subscribe, "u/me/**", "you").isAllowed && !judge(rules, .subscribe, "u/*", "*").isAllowed
        )
        #expect(try !judge(rules, .subscribe, "**", "me").isAllowed)
    }

    @Test("a name with a slash owns nothing, nor does an empty one")
    func oddUsers() throws {
        let rules: [(String, [AccessAction: Permission])] = [
            ("u/{sub}", [.subscribe: .owner]), ("u/{sub}/**", [.subscribe: .owner]),
        ]
        for user in ["a/b", "", "a/", "*", "**"] {
            for channel in ["u/a", "u/a/b", "u/*", "u/**", "u/a/*"] {
                #expect(try !judge(rules, .subscribe, channel, user).isAllowed, "\(user) in \(channel)")
            }
        }
    }

    @Test("who is there is told to who may see presence, by way of its channel as well")
    func presence() throws {
        let rules: [(String, [AccessAction: Permission])] = [("**", [.subscribe: .anyone, .presence: .users])]
        #expect(
            try !judge(rules, .subscribe, "$presence/a").isAllowed
                && judge(rules, .subscribe, "$presence/a", "x").isAllowed
        )
    }

    @Test("what a session keeps of a user says the same")
    func text() throws {
        let identity = Identity(
            user: "Zoë; |,:%",
            endMilliseconds: 1_700_000_000_000,
            tokenID: "t 1",
            grants: [
                .subscribe: [AccessPattern("room/*")!, AccessPattern("a,b;c/**")!], .history: [AccessPattern("x")!],
            ],
            info: Array(#"{"seat": "7;|é"}"#.utf8)
        )
        let again = Identity(text: identity.text)
        #expect(!identity.text.contains(" "))
        #expect(again.user == identity.user && again.endMilliseconds == identity.endMilliseconds)
        #expect(again.tokenID == "t 1" && again.grants == identity.grants && again.info == identity.info)
        // It is kept with each session, so not where it is long.
        let long = Identity(user: "a", info: Array(repeating: UInt8(ascii: "1"), count: 1_025))
        #expect(Identity(text: long.text).info == nil)
        #expect(Identity(text: "").user == nil && Identity(text: "exyz;uA%ZZ").isOver(at: 1))
    }
}
