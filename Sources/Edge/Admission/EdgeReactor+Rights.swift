internal import Backplane
internal import Broker
internal import Hub
internal import Logging
internal import Reactor
internal import Wire

// Who may do what: by the node's rules, or without any by its keys alone.
extension EdgeReactor {
    /// Whether somebody may do something in a channel, or a backend is to say so. A refusal is told to the operator with the rule that
    /// decided, and to the client as nothing but that.
    func judge(_ action: AccessAction, _ channel: ChannelName, _ who: Credentials) -> AccessRules.Decision {
        let rules = access.rules
        // Nobody publishes there, and who tries is told so.
        let isForOperators = channel.isForOperators && action != .publish && action != .call
        if isForOperators {
            if isOperator(who) { return .allowed }
        } else if let key = who.key, key.allows(action, in: channel) {
            return .allowed
        }
        guard isForOperators || !rules.isEmpty else {
            return action != .publish || access.apiKeys.isEmpty ? .allowed : .refused
        }
        let verdict = rules.judge(action, in: channel, by: who.identity)
        guard verdict.decision == .refused else { return verdict.decision }
        metrics.forbidden.add()
        tellForbidden(action, channel, who, verdict)
        return .refused
    }

    /// Whether somebody runs the cluster. As for all else: without keys and rules, reaching the port is enough.
    func isOperator(_ who: Credentials) -> Bool {
        access.rules.isEmpty && access.apiKeys.isEmpty || who.key?.scopes.contains(.admin) == true
    }

    /// All of them at the level `debug`, and at `notice` so many that nobody fills a disk with it.
    private func tellForbidden(
        _ action: AccessAction,
        _ channel: ChannelName,
        _ who: Credentials,
        _ verdict: AccessRules.Verdict
    ) {
        let heldBackCount = forbiddenLog.pass(now: reactor.now)
        guard heldBackCount != nil || logger.logLevel <= .debug else { return }
        logger.log(
            level: heldBackCount == nil ? .debug : .notice,
            "not allowed",
            metadata: [
                "action": "\(action.rawValue)", "channel": "\(channel)", "user": "\(who.identity?.user ?? "-")",
                "rule": "\(verdict.rule.map { "\($0 + 1)" } ?? "none")", "for": "\(verdict.permission.rawValue)",
                "unmentioned": "\(heldBackCount ?? 0)",
            ]
        )
    }

    /// Whether somebody may go on with a channel that they have: what a backend allowed as they subscribed is allowed.
    func mayKeep(_ channel: ChannelName, _ who: Credentials) -> Bool { judge(.subscribe, channel, who) != .refused }

    /// What who may not publish is told.
    func refusePublish(_ asker: Asker) {
        if access.rules.isEmpty { return refuse(asker, status: 401, "a valid API key is needed") }
        refuse(asker, status: 403, "not allowed", field: "channel")
    }

    /// Takes from a client what it reads and may no longer: it is told of each. A stream has the channels that it began with: its client
    /// comes again, and is told then.
    func dropForbidden(_ slot: Slot) {
        let who = credentials(of: slot)
        guard !access.rules.isEmpty || !access.apiKeys.isEmpty else { return }
        for channel in hub.channels(of: slot.client) where !mayKeep(channel, who) {
            guard connections[live: slot].pointee.isOpen else { return }
            guard connections[live: slot].pointee.client.has(.isTwoWay) else {
                return hub.sayBye(slot.client, .renewed, afterMilliseconds: drawReconnectMilliseconds())
            }
            _ = hub.unsubscribe(slot.client, from: channel)
            sendError(slot, id: nil, channel: channel, code: 403, "channel: \(channel) is not allowed any more")
        }
    }

    // MARK: Other rules

    /// Rules and keys are others from now on. What is known of tokens is forgotten: it was said with the keys before.
    func change(to policy: AccessPolicy) {
        access = policy
        hub.compressionChanged()
        hub.pacesChanged()
        uplink.post(.keepWill(policy.hooks.contains(.disconnect)))
        uplink.post(.rulesChanged(policy.rules))
        knownTokens = KnownTokens(countMax: limits.tokensKnownMax)
        for (key, shown) in credentials {
            guard let known = shown.key else { continue }
            keep(Credentials(identity: shown.identity, key: policy.apiKey(of: known.hash)), of: key)
        }
        nextToJudge = 0
    }

    /// Judges readers by new rules, for one slice of time. Says whether some are left.
    func judgeReaders() -> Bool {
        guard var next = nextToJudge else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while next < connections.slotCount {
            let slot = Slot(number: next)
            next += 1
            if connections.isLive(slot), connections[live: slot].pointee.isOpen,
                connections[live: slot].pointee.client.encoding != nil,
                !connections[live: slot].pointee.client.has(.isOneAnswer)
            {
                bequeath(slot)
                dropForbidden(slot)
            }
            if next % 16 == 0, Clock.monotonicNanoseconds >= end { break }
        }
        nextToJudge = next < connections.slotCount ? next : nil
        return nextToJudge != nil
    }
}
