/// Who may do what in which channels. The first rule that is for a channel decides; what it does not name is for nobody, and so is a
/// channel that no rule is for.
public struct AccessRules: Sendable {
    /// One rule.
    public struct Rule: Sendable {
        /// Which channels it is for.
        public let channels: AccessPattern

        /// Whom it allows what.
        public let permissions: [AccessAction: Permission]

        /// How many replicas must have what is published there before its publisher is answered.
        public let replicasMin: Int

        /// Whether what is published there may be compressed.
        public let compression: Compression

        /// Whether of what is published there only the newest of each key counts for whoever comes later.
        public let isKeyed: Bool

        /// How often those who read what is published there are told of it.
        public let pace: PaceRule

        /// How much of what is published there is remembered.
        public let history: HistoryRule

        /// Makes one.
        public init(
            channels: AccessPattern,
            permissions: [AccessAction: Permission],
            replicasMin: Int = 0,
            compression: Compression = .off,
            isKeyed: Bool = false,
            pace: PaceRule = PaceRule(),
            history: HistoryRule = .usual
        ) {
            self.channels = channels
            self.permissions = permissions
            self.replicasMin = replicasMin
            self.compression = compression
            self.isKeyed = isKeyed
            self.pace = pace
            self.history = history
        }
    }

    /// What rules say.
    public enum Decision: Sendable {
        case allowed
        case refused
        /// That a backend is to say.
        case hook
    }

    /// What was decided, and why.
    public struct Verdict: Sendable, Equatable {
        /// What was decided.
        public let decision: Decision

        /// Whether it is allowed, whatever a backend may say.
        public var isAllowed: Bool { decision == .allowed }

        /// The place of the rule that decided; `nil` where none is for the channel.
        public let rule: Int?

        /// Whom that rule allows it.
        public let permission: Permission
    }

    /// All of them, in their order.
    public let rules: [Rule]

    /// Takes rules; without any everything is allowed.
    public init(_ rules: [Rule] = []) {
        self.rules = rules
        areAnyDurable = rules.contains { $0.replicasMin > 0 }
        areAnyCompressed = rules.contains { $0.compression != .off }
        areAnyKeyed = rules.contains(where: \.isKeyed)
        areAnyPaced = rules.contains { $0.pace != PaceRule() }
        areAnyForgetful = rules.contains { $0.history != .usual }
        areForKnownOnly =
            !rules.isEmpty
            && !rules.contains { rule in rule.permissions.values.contains { $0 == .anyone || $0 == .hook } }
    }

    /// Whether they allow nothing to who does not say who that is; what a backend is asked for may be allowed to anybody.
    public let areForKnownOnly: Bool

    /// Whether any says how many replicas must have what is published.
    public let areAnyDurable: Bool

    /// How many replicas must have what is published in a channel: as the first rule says that is for it.
    public func replicasMin(for channel: ChannelName) -> Int {
        areAnyDurable ? rule(for: channel)?.replicasMin ?? 0 : 0
    }

    /// Whether any says that its channels are keyed.
    public let areAnyKeyed: Bool

    /// Whether of what is published in a channel only the newest of each key counts for whoever comes later.
    public func isKeyed(_ channel: ChannelName) -> Bool { areAnyKeyed && rule(for: channel)?.isKeyed ?? false }

    /// Whether any says how often readers are told.
    public let areAnyPaced: Bool

    /// How often the readers of a channel are told. What the system publishes is told whenever there is something, unless they ask.
    public func pace(of channel: ChannelName) -> PaceRule {
        guard areAnyPaced, !channel.isSystem else { return PaceRule() }
        return rule(for: channel)?.pace ?? PaceRule()
    }

    /// Whether any says that less is remembered than the limits allow.
    public let areAnyForgetful: Bool

    /// How much of a channel is remembered.
    public func history(of channel: ChannelName) -> HistoryRule {
        areAnyForgetful ? rule(for: channel)?.history ?? .usual : .usual
    }

    /// The first rule that is for a channel.
    private func rule(for channel: ChannelName) -> Rule? {
        let shape = AccessPattern.Shape(channel)
        return rules.first { $0.channels.relation(to: shape) != .none }
    }

    /// Whether any lets something be compressed.
    public let areAnyCompressed: Bool

    /// What may be compressed with what in a channel, or in all channels of a pattern: then each there could be must allow it. The
    /// first rule that is for a channel decides. What the system publishes, which may say who is there, is not compressed.
    public func compression(of channel: ChannelName) -> Compression {
        guard areAnyCompressed, !channel.isSystem else { return .off }
        var least = Compression.shared
        let shape = AccessPattern.Shape(channel)
        for rule in rules {
            let relation = rule.channels.relation(to: shape)
            if relation == .none { continue }
            least = min(least, rule.compression)
            if relation == .all { return least }
        }
        return .off
    }

    /// Whether there are none: then nobody is asked who it is.
    public var isEmpty: Bool { rules.isEmpty }

    /// Judges what somebody wants in a channel, or in all channels of a pattern: then it must be allowed in each there could be.
    public func judge(_ action: AccessAction, in channel: ChannelName, by identity: Identity?) -> Verdict {
        // No rule, however wide, is for what concerns operators alone.
        if channel.isForOperators { return Verdict(decision: .refused, rule: nil, permission: .nobody) }
        guard !isEmpty else { return Verdict(decision: .allowed, rule: nil, permission: .anyone) }
        // Who is subscribed to a channel is told by another, which is the system's.
        if let observed = channel.presenceSubject {
            return judge(action == .subscribe || action == .history ? .presence : action, in: observed, by: identity)
        }
        if action == .subscribe, identity?.isGiven(channel) ?? false {
            return Verdict(decision: .allowed, rule: nil, permission: .hook)
        }
        // A backend that must be asked about some of the channels is asked about the whole name.
        var asking: Verdict?
        // Once for all rules: to take a name apart is most of what a rule costs.
        let shape = AccessPattern.Shape(channel)
        for (place, rule) in rules.enumerated() {
            let relation = rule.channels.relation(to: shape)
            if relation == .none { continue }
            let permission = rule.permissions[action] ?? .nobody
            let decision: Decision =
                permission == .hook ? .hook : allows(permission, rule, action, shape, identity) ? .allowed : .refused
            let verdict = Verdict(decision: decision, rule: place, permission: permission)
            if decision == .refused { return verdict }
            if decision == .hook, asking == nil { asking = verdict }
            if relation == .all { return asking ?? verdict }
        }
        return Verdict(decision: .refused, rule: nil, permission: .nobody)
    }

    private func allows(
        _ permission: Permission,
        _ rule: Rule,
        _ action: AccessAction,
        _ shape: AccessPattern.Shape,
        _ identity: Identity?
    ) -> Bool {
        switch permission {
        case .anyone: true
        case .users: identity?.user != nil
        case .granted: identity?.grants(action, in: shape) ?? false
        case .owner: identity?.user.map { rule.channels.isOwned(shape, by: $0) } ?? false
        case .hook, .nobody: false
        }
    }
}
