internal import Broker
internal import Hub
internal import Logging
internal import Reactor
internal import Wire

// Who may do what: by the node's rules, or without any by its keys alone.
extension EdgeReactor {
    /// Whether somebody may do something in a channel. A refusal is told to the operator with the rule that decided, and to the client as
    /// nothing but that.
    func isAllowed(_ action: AccessAction, _ channel: ChannelName, _ who: Credentials) -> Bool {
        if who.showsKey { return true }
        let rules = configuration.rules
        guard !rules.isEmpty else { return action != .publish || configuration.apiKeys.isEmpty }
        let verdict = rules.judge(action, in: channel, by: who.identity)
        guard !verdict.isAllowed else { return true }
        metrics.forbidden.add()
        logger.debug(
            "not allowed",
            metadata: [
                "action": "\(action.rawValue)", "channel": "\(channel)", "user": "\(who.identity?.user ?? "-")",
                "rule": "\(verdict.rule.map { "\($0 + 1)" } ?? "none")", "for": "\(verdict.permission.rawValue)",
            ]
        )
        return false
    }

    /// What who may not publish is told.
    func refusePublish(_ asker: Asker) {
        if configuration.rules.isEmpty { return refuse(asker, status: 401, "a valid API key is needed") }
        refuse(asker, status: 403, "not allowed", field: "channel")
    }

    /// Takes from a client what it reads and may no longer: it is told of each.
    func dropForbidden(_ slot: Slot) {
        let who = credentials(of: slot)
        guard !configuration.rules.isEmpty, !who.showsKey else { return }
        for channel in hub.channels(of: slot.client) where !isAllowed(.subscribe, channel, who) {
            _ = hub.unsubscribe(slot.client, from: channel)
            sendError(slot, id: nil, code: 403, "channel: \(channel) is not allowed any more")
        }
    }
}
