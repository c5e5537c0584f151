internal import Backplane
internal import Broker
internal import Reactor
internal import Trust

/// What the thread that verifies tokens is told.
enum TokenQuestion: Sendable {
    /// Who shows this?
    case verify(Ticket, [UInt8])
    /// Keys, what is asked of tokens, and what reactors go by are others from now on. Told here first, for what was verified with the
    /// keys before must not reach a reactor behind that.
    case change(TokenPolicy, AccessPolicy, keySets: [String])
    /// A set of keys was fetched that differs from the one before.
    case keys(url: String, [TokenKey])
    /// What could be fetched is there.
    case keysSought
    /// End.
    case stop
}

/// Verifies tokens for all reactors of a node. A connect with an ES256 token that nobody has seen takes 150 µs more than one without
/// (`bench/run --case token-connects`), so no reactor does that itself.
///
/// Thread: its own, and one for all.
final class TokenThread: ReactorHandler {
    private var policy: TokenPolicy
    private var access: AccessPolicy
    private var keySets: [String: [TokenKey]] = [:]
    private var wantedSets: [String]
    private var verifier: TokenVerifier
    private let reports: [Inbox<UplinkReport>]
    private let hooks: Inbox<HookQuestion>

    /// Tokens of a key that nobody knew, while that is looked for. Reactors bound how many tokens they have looked at.
    private var held: [(ticket: Ticket, token: [UInt8])] = []

    /// Answers that wait for others: each that comes alone wakes its reactor, which costs that as much as half a connect.
    private var answers: [(ticket: Ticket, outcome: Result<Identity, TokenFault>)] = []

    /// How many, at most. That is a wait of half a millisecond, where signatures take 60 µs each.
    private static let answersMax = 8

    private(set) var isFinished = false

    init(
        _ policy: TokenPolicy,
        _ access: AccessPolicy,
        keySets: [String],
        reports: [Inbox<UplinkReport>],
        hooks: Inbox<HookQuestion>
    ) {
        self.policy = policy
        self.access = access
        self.reports = reports
        self.hooks = hooks
        wantedSets = keySets
        verifier = TokenVerifier(policy)
    }

    func receive(_ question: TokenQuestion) {
        switch question {
        case .verify(let ticket, let token): verify(token, for: ticket)
        case .change(let policy, let access, let keySets):
            (self.policy, self.access, wantedSets) = (policy, access, keySets)
            self.keySets = self.keySets.filter { keySets.contains($0.key) }
            useKeys()
        case .keys(let url, let keys):
            guard wantedSets.contains(url) else { return }
            keySets[url] = keys
            useKeys()
        case .keysSought:
            let waiting = held
            held.removeAll()
            for (ticket, token) in waiting { answer(ticket, look(at: token)) }
        case .stop: isFinished = true
        }
    }

    private func verify(_ token: [UInt8], for ticket: Ticket) {
        let outcome = look(at: token)
        guard case .failure(let fault) = outcome, mayBeOfOtherKey(fault) else { return answer(ticket, outcome) }
        held.append((ticket, token))
        // One question for all that wait.
        if held.count == 1 { hooks.post(.seekKeys) }
    }

    /// Whether a set that is fetched anew could make a difference. Without any key of its kind a token has no algorithm yet.
    private func mayBeOfOtherKey(_ fault: TokenFault) -> Bool {
        guard !wantedSets.isEmpty else { return false }
        return fault == .unknownKey || fault == .algorithm && keySets.count < wantedSets.count
    }

    private func look(at token: [UInt8]) -> Result<Identity, TokenFault> {
        let now = Clock.realtimeMilliseconds
        return Result { () throws(TokenFault) in try verifier.verify(token, nowMilliseconds: now) }
    }

    private func answer(_ ticket: Ticket, _ outcome: Result<Identity, TokenFault>) {
        answers.append((ticket, outcome))
        if answers.count == Self.answersMax { sendAnswers() }
    }

    private func sendAnswers() {
        for (ticket, outcome) in answers { reports[ticket.reactor].post(.identified(ticket, outcome)) }
        answers.removeAll(keepingCapacity: true)
    }

    /// Goes by the keys there are, and tells reactors to forget what was said with those before.
    private func useKeys() {
        var policy = policy
        policy.keys += wantedSets.flatMap { keySets[$0] ?? [] }
        verifier = TokenVerifier(policy)
        // What was verified with other keys comes first.
        sendAnswers()
        for inbox in reports { inbox.post(.accessChanged(access)) }
    }

    func ready(token: UInt64, readiness: Readiness) {}
    func tick(_ tick: Tick) {}
    func endOfTurn() -> Bool {
        sendAnswers()
        return false
    }
}
