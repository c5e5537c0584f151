import ArgumentParser
import Backplane
import Broker
import Edge
import Reactor

/// Checks settings as `serve` would read them, and that a node could listen and use Redis.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print all settings, where each comes from and what it means; fail where serve would.",
        discussion:
            "Looks at the address to listen on, though not at whether the port is free, at Redis, and at sets of keys by URL."
    )

    @OptionGroup var options: ServeOptions

    @Option(help: "Whose rights are asked for: an access token, or - for standard input, or nobody.")
    var `as`: String?

    @Argument(
        help: "What is wanted, and where: subscribe room/1. Also publish, presence, history, call.",
        completion: .list(["subscribe", "publish", "presence", "history", "call"])
    )
    var question: [String] = []

    func run() throws {
        let settings = try options.settings()
        guard question.isEmpty, `as` == nil else { return try explain(settings) }
        print(Self.table(of: settings))
        var isFine = canListen(settings)
        if !canUseRedis(settings) { isFine = false }
        if !canFetchKeys(settings) { isFine = false }
        guard isFine else { throw ExitCode.failure }
    }

    /// Says what the rules say to somebody, and fails where that is no.
    private func explain(_ settings: Settings) throws {
        guard question.count == 2, let action = AccessAction(rawValue: question[0]),
            let channel = ChannelName(question[1])
        else {
            throw ValidationError(
                "ask for subscribe, publish, presence, history or call, and a channel: subscribe room/1"
            )
        }
        let identity = try `as`.flatMap { $0 == "nobody" ? nil : try settings.identity(of: $0) }
        let answer = settings.explain(action, channel, identity)
        print(answer.text)
        guard answer.isAllowed else { throw ExitCode.failure }
    }

    /// A line for each setting: name, value, source, meaning.
    static func table(of settings: Settings) -> String {
        let rows = SettingTable.all.map {
            [$0.name, $0.show(settings), settings.source(of: $0.name).description, $0.meaning]
        }
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0.padding(to: min($1, widthMax)) }.joined(separator: "  ") + "  \(row[3])"
        }.joined(separator: "\n")
    }

    /// A long value moves its own line and not all others.
    private static let widthMax = 40

    private func canListen(_ settings: Settings) -> Bool {
        let places = [("listen", settings.edge.host)] + (settings.edge.tls.map { [("tls.listen", $0.host)] } ?? [])
        for (name, host) in places {
            do {
                // The port is left to the system: this node may well be running already.
                _ = try Listener(host: host, port: 0)
            } catch {
                StandardError.say("\(name): \(host) is no address of this machine: \(error)")
                return false
            }
        }
        return true
    }

    /// A node starts without them, and is not ready.
    private func canFetchKeys(_ settings: Settings) -> Bool {
        var isFine = true
        for url in settings.edge.keySets {
            switch KeySets.fetch(url, settings.edge.limits) {
            case .success(let keys): print("keys       \(url), \(keys.count)")
            case .failure(let fault):
                StandardError.say("tokens.jwks: \(url): \(fault.reason)")
                isFine = false
            }
        }
        return isFine
    }

    private func canUseRedis(_ settings: Settings) -> Bool {
        guard let redis = settings.redis else {
            print("backplane  embedded")
            return true
        }
        do {
            var isFine = true
            for master in try redis.masters() where !canUse(master, of: redis, settings) { isFine = false }
            if !canMove(to: redis, settings) { isFine = false }
            return isFine
        } catch {
            StandardError.say(error.complaint, at: redis.placesText)
            return false
        }
    }

    /// Says what moves, and tries the masters that go.
    private func canMove(to redis: RedisDeployment, _ settings: Settings) -> Bool {
        guard case .masters(let masters) = redis, !settings.redisFormer.isEmpty else { return true }
        print("moving     \(RedisMovePlan(from: settings.redisFormer, to: masters).text)")
        var isFine = true
        for master in settings.redisFormer where !masters.contains(where: { $0.name == master.name }) {
            if !canUse(master, of: redis, settings) { isFine = false }
        }
        return isFine
    }

    private func canUse(_ master: RedisMaster, of redis: RedisDeployment, _ settings: Settings) -> Bool {
        do {
            let library =
                switch try RedisInspector(master, of: redis, keyPrefix: settings.keyPrefix).inspect() {
                case .loaded(let version): "version \(version)"
                case .absent: "absent: the node will load them"
                }
            print("backplane  redis \(master.placeText), functions \(library)")
            return true
        } catch {
            StandardError.say(error.complaint, at: master.placeText)
            return false
        }
    }
}

extension String {
    /// With spaces behind it up to a width; left alone if it is wider.
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(width - count, 0)) }
}
