import ArgumentParser
import Broker
import Edge
import Foundation
import Reactor
import Trust

/// Makes tokens for trying out, and says what one is.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make access tokens for trying out, and look at them, with the keys of the settings.",
        subcommands: [Make.self, Show.self]
    )
}

extension Token {
    /// Makes one.
    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a token, signed with the first secret of tokens.hmac."
        )

        @Argument(help: "Who it is for (sub). Without it the token is whoever's that has it.")
        var user: String?

        @Option(help: "How long it lasts, in seconds.")
        var expiresIn = 3_600

        /// The longest life, in seconds: a hundred years.
        private static let secondsMax = 3_155_760_000

        @Option(parsing: .upToNextOption, help: "Channels that it lets read, as patterns: room/*.")
        var subscribe: [String] = []

        @Option(parsing: .upToNextOption, help: "Channels that it lets publish to.")
        var publish: [String] = []

        @Option(parsing: .upToNextOption, help: "Channels whose presence it lets see.")
        var presence: [String] = []

        @Option(parsing: .upToNextOption, help: "Channels whose history it lets read.")
        var history: [String] = []

        @Option(parsing: .upToNextOption, help: "Services that it lets call.")
        var call: [String] = []

        @Option(help: "YAML file with settings.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String?

        func validate() throws {
            guard (1...Self.secondsMax).contains(expiresIn) else {
                throw ValidationError("--expires-in: a number of seconds from 1 to \(Self.secondsMax)")
            }
        }

        func run() throws {
            let settings = try ServeOptions.settings(file: config)
            guard let key = settings.tokenSecrets.first, let maker = TokenMaker(key) else {
                StandardError.say("tokens.hmac: there is no secret to sign with")
                throw ExitCode.failure
            }
            print(try maker.token(claims: claims(settings)))
        }

        private func claims(_ settings: Settings) throws -> [UInt8] {
            let grants = [
                ("subscribe", subscribe), ("publish", publish), ("presence", presence), ("history", history),
                ("call", call),
            ]
            for pattern in grants.flatMap(\.1) where AccessPattern(pattern) == nil {
                throw ValidationError("\(pattern) is not a pattern such as room/* or room/**")
            }
            var claims: [String: Any] = [
                "iat": Clock.realtimeMilliseconds / 1_000,
                "exp": Int(Clock.realtimeMilliseconds / 1_000) + expiresIn,
            ]
            // By which it can be revoked.
            claims["jti"] = UUID().uuidString.lowercased()
            claims["sub"] = user
            claims["iss"] = settings.edge.tokens.issuer
            claims["aud"] = settings.edge.tokens.audience
            let named = grants.filter { !$0.1.isEmpty }
            if !named.isEmpty { claims["perseid"] = Dictionary(uniqueKeysWithValues: named) }
            return Array(try JSONSerialization.data(withJSONObject: claims, options: .sortedKeys))
        }
    }

    /// Looks at one.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say whether a token is taken, and whose it is.")

        @Argument(help: "The token, or - for standard input, where other users cannot see it.")
        var token: String

        @Option(help: "YAML file with settings.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String?

        func run() throws {
            let settings = try ServeOptions.settings(file: config)
            let identity = try settings.identity(of: token)
            say("user", identity.user ?? "none")
            if let end = identity.endMilliseconds {
                say("expires", Date(timeIntervalSince1970: Double(end) / 1_000).formatted(.iso8601))
            }
            for action in AccessAction.allCases {
                guard let patterns = identity.grants[action], !patterns.isEmpty else { continue }
                say(action.rawValue, patterns.map(\.text).joined(separator: " "))
            }
        }

        /// The longest name of a line is `subscribe`.
        private func say(_ name: String, _ value: String) {
            print("\(name.padding(toLength: 10, withPad: " ", startingAt: 0))\(value)")
        }
    }
}

extension Settings {
    /// Whose a token is. If it is not taken, says why and ends the command.
    func identity(of token: String) throws -> Identity {
        let text = token == "-" ? readLine() ?? "" : token
        var policy = edge.tokens
        for url in edge.keySets {
            switch KeySets.fetch(url, edge.limits) {
            case .success(let keys): policy.keys += keys
            case .failure(let fault): StandardError.say("tokens.jwks: \(url): \(fault.reason)")
            }
        }
        do throws(TokenFault) {
            return try TokenVerifier(policy).verify(Array(text.utf8), nowMilliseconds: Clock.realtimeMilliseconds)
        } catch {
            StandardError.say("the token is not taken: \(error.rawValue)")
            throw ExitCode.failure
        }
    }

    /// What the rules say to somebody who wants something, and why.
    func explain(_ action: AccessAction, _ channel: ChannelName, _ identity: Identity?) -> (
        isAllowed: Bool, text: String
    ) {
        let verdict = edge.rules.judge(action, in: channel, by: identity)
        let who = identity.map { $0.user ?? "who has this token" } ?? "who shows no token"
        let answer =
            verdict.decision == .hook
            ? "whether \(who) may \(action.rawValue) \(channel) is for hooks.\(action.hook.rawValue) to say"
            : "\(who) may \(verdict.isAllowed ? "" : "not ")\(action.rawValue) \(channel)"
        guard let place = verdict.rule else {
            return (
                verdict.isAllowed,
                "\(answer): \(edge.rules.isEmpty ? "there are no rules" : "no rule is for all of that")"
            )
        }
        let rule = "rule \(place + 1), \(edge.rules.rules[place].text)"
        return (verdict.isAllowed, "\(answer): \(rule), which is for \(verdict.permission.rawValue)")
    }
}
