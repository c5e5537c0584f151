internal import Backplane
internal import Broker
internal import Crypto
internal import Hooks
internal import Logging
internal import Reactor
internal import Trust

/// What the thread that asks backends is told.
enum HookQuestion: Sendable {
    /// What does the backend say to this?
    case ask(Ticket, HookName, [UInt8])
    /// There was no room for a question: what does it mean that nobody answers?
    case refuse(Ticket, HookName)
    /// Nobody waits for what it says, but it is to hear this of a reader that is gone.
    case tell([UInt8], HookAsker)
    /// A token names a key that nobody knows.
    case seekKeys
    /// A set of keys was read, or is none, and why.
    case keysRead(url: String, digest: SHA256.Digest, cacheControl: String?, fault: String?)
    /// Backends are others from now on.
    case change(HookConfiguration)
    /// End, once what was told is heard or the time for that is over.
    case stop
}

/// Who is told what came of it.
enum HookAsker: Sendable {
    /// A reactor, whose client waits.
    case ticket(Ticket)
    /// The uplink, which has this reader in the node's will.
    case reader(SessionHolder)
    /// The uplink, which carries out the will of another node, with this entry in it.
    case will(WillID, [UInt8])
    case nobody
}

/// What that thread goes by.
struct HookConfiguration: Sendable {
    var hooks: HookPolicies
    var keySets: [String]
    let limits: Limits
}

/// Asks backends for all reactors of a node, and fetches sets of keys. A backend that hangs holds its own questions, each for as long as
/// its time is, and nothing else.
///
/// Thread: its own, and one for all. Memory: what waits and is under way, which each hook has a limit for.
final class HookThread: ReactorHandler {
    private struct KeySet {
        var schedule: KeySetSchedule
        /// Of the last good one.
        var digest: SHA256.Digest?
    }

    private enum Call {
        case hook(HookName, HookQueue<HookAsker>.Entry)
        case keySet(String)
    }

    private let reactor: Reactor<HookQuestion>
    private let caller: HTTPCaller
    private let reports: [Inbox<UplinkReport>]
    private let uplink: SharedReactor<UplinkCommand>
    private var isUplinkTold = false
    private let tokens: Inbox<TokenQuestion>
    private let metrics: HookMetrics
    private let logger: Logger
    private var limits: Limits
    private var queues: [HookName: HookQueue<HookAsker>] = [:]
    private var keySets: [String: KeySet] = [:]
    private var calls: [UInt64: Call] = [:]
    private var isSeekingKeys = false
    private var failureLog = LogThrottle()
    private var endNanoseconds: UInt64?

    init?(
        _ configuration: HookConfiguration,
        reactor: Reactor<HookQuestion>,
        reports: [Inbox<UplinkReport>],
        uplink: SharedReactor<UplinkCommand>,
        tokens: Inbox<TokenQuestion>,
        metrics: HookMetrics,
        logger: Logger
    ) {
        guard let caller = HTTPCaller(connectionsMax: Self.connectionsMax) else { return nil }
        self.caller = caller
        self.reactor = reactor
        self.reports = reports
        self.uplink = uplink
        self.tokens = tokens
        self.metrics = metrics
        self.logger = logger
        limits = configuration.limits
        change(to: configuration)
    }

    /// Connections that are kept for later.
    private static let connectionsMax = 256

    // MARK: What the reactor brings

    func receive(_ question: HookQuestion) {
        let now = Clock.monotonicNanoseconds
        switch question {
        case .ask(let ticket, let hook, let body): add(.ticket(ticket), hook, body, now)
        case .refuse(let ticket, let hook): fail(.ticket(ticket), hook, .busy)
        case .tell(let body, let asker): add(asker, .disconnect, body, now)
        case .seekKeys: seekKeys()
        case .keysRead(let url, let digest, let cacheControl, let fault): settle(url, digest, cacheControl, fault)
        case .change(let configuration): change(to: configuration)
        case .stop:
            // What is told meanwhile is told in vain after this.
            let patience = queues[.disconnect]?.policy.timeoutMilliseconds ?? 0
            endNanoseconds = now + patience * 1_000_000
        }
    }

    func ready(token: UInt64, readiness: Readiness) { caller.ready(Int32(clamping: token), readiness) }

    func tick(_ tick: Tick) { fetchDueKeySets() }

    func endOfTurn() -> Bool {
        caller.work { number, outcome in end(number, outcome) }
        for hook in HookName.allCases { work(hook) }
        // Once for all that came of this turn: this thread is no host, and nobody else would see to it before the next tick.
        if isUplinkTold { uplink.takeTurns() }
        isUplinkTold = false
        caller.watch(by: reactor.poller)
        return false
    }

    var patienceMilliseconds: Int32 {
        let now = Clock.monotonicNanoseconds
        let next = queues.values.compactMap(\.nextNanoseconds).min().map { $0 <= now ? 0 : $0 - now }
        let patience = next.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? .max
        return min(caller.patienceMilliseconds, patience)
    }

    var isFinished: Bool {
        guard let endNanoseconds else { return false }
        let told = queues[.disconnect].map { $0.count + $0.underWay } ?? 0
        return told == 0 || endNanoseconds <= Clock.monotonicNanoseconds
    }

    private func change(to configuration: HookConfiguration) {
        limits = configuration.limits
        for hook in HookName.allCases {
            guard let policy = configuration.hooks[hook] else { continue }
            if queues[hook] == nil {
                queues[hook] = HookQueue(policy, isTelling: hook == .disconnect)
            } else {
                queues[hook]?.policy = policy
            }
        }
        let times = KeySetSchedule.Times(
            age: limits.keySetMilliseconds,
            ageMin: limits.keySetMillisecondsMin,
            ageMax: limits.keySetMillisecondsMax,
            pause: limits.keySetPauseMilliseconds
        )
        keySets = keySets.filter { configuration.keySets.contains($0.key) }
        for url in configuration.keySets where keySets[url] == nil {
            keySets[url] = KeySet(schedule: KeySetSchedule(times))
        }
        // A token that waits for a key waits for the sets that there are now: a fetch of another one ends without a word.
        if isSeekingKeys { fetchDueKeySets() }
        finishKeySet()
    }

    // MARK: Questions

    private func add(_ asker: HookAsker, _ hook: HookName, _ body: [UInt8], _ now: UInt64) {
        guard let fault = queues[hook]?.add(asker, body, nowNanoseconds: now) else {
            if queues[hook] == nil { answer(asker, .failed(.connection)) }
            return
        }
        fail(asker, hook, fault)
    }

    /// Gives up what waited for too long, and begins what may be.
    private func work(_ hook: HookName) {
        let now = Clock.monotonicNanoseconds
        while let (entry, fault) = queues[hook]?.giveUp(nowNanoseconds: now) { fail(entry.asker, hook, fault) }
        while let entry = queues[hook]?.next(nowNanoseconds: now) {
            guard let policy = queues[hook]?.policy, let number = caller.begin(call(hook, policy, entry, now)) else {
                queues[hook]?.end(isAnswered: false, nowNanoseconds: now)
                fail(entry.asker, hook, .connection)
                continue
            }
            calls[number] = .hook(hook, entry)
        }
        guard let queue = queues[hook] else { return }
        metrics[hook].underWay.set(queue.underWay)
        metrics[hook].waiting.set(queue.count)
        metrics[hook].isOpen.set(queue.isOpen ? 1 : 0)
    }

    private func call(_ hook: HookName, _ policy: HookPolicy, _ entry: HookQueue<HookAsker>.Entry, _ now: UInt64)
        -> HTTPCall
    {
        let left = entry.endNanoseconds == .max ? policy.timeoutMilliseconds : (entry.endNanoseconds - now) / 1_000_000
        var call = HTTPCall(
            url: policy.url,
            body: entry.body,
            timeoutMilliseconds: max(left, 1),
            answerBytesMax: limits.hookAnswerBytesMax
        )
        call.authorities = policy.authorities
        call.fields = HookFields.all(hook, policy, body: entry.body, seconds: Clock.realtimeMilliseconds / 1_000)
        return call
    }

    private func end(_ number: UInt64, _ outcome: HTTPCaller.Outcome) {
        switch calls.removeValue(forKey: number) {
        case .hook(let hook, let entry)?: end(hook, entry, outcome)
        case .keySet(let url)?: end(keySet: url, outcome)
        case nil: break
        }
    }

    private func end(_ hook: HookName, _ entry: HookQueue<HookAsker>.Entry, _ outcome: HTTPCaller.Outcome) {
        let now = Clock.monotonicNanoseconds
        let (said, reason) = read(outcome, to: hook)
        let wasOpen = queues[hook]?.isOpen ?? false
        guard case .failed(let failure) = said else {
            queues[hook]?.end(isAnswered: true, nowNanoseconds: now)
            if wasOpen { logger.notice("a hook is asked again", metadata: ["hook": "\(hook.rawValue)"]) }
            metrics[hook].answerMicroseconds.add(Int(clamping: (now - entry.beginNanoseconds) / 1_000))
            if case .allowed = said { metrics[hook].allowed.add() } else { metrics[hook].refused.add() }
            return answer(entry.asker, said)
        }
        queues[hook]?.end(isAnswered: false, nowNanoseconds: now)
        if let heldBack = failureLog.pass(now: now) {
            let facts: Logger.Metadata = [
                "hook": "\(hook.rawValue)", "reason": "\(reason)", "held-back": "\(heldBack)",
            ]
            logger.warning("a hook failed", metadata: facts)
        }
        if !wasOpen, queues[hook]?.isOpen ?? false {
            let facts: Logger.Metadata = ["hook": "\(hook.rawValue)", "reason": "\(failure.rawValue)"]
            logger.warning("a hook failed so often that it is let alone for a while", metadata: facts)
        }
        if queues[hook]?.repeatLater(entry) ?? false {
            metrics[hook].failures(failure)?.add()
        } else {
            fail(entry.asker, hook, failure)
        }
    }

    /// What an outcome means; where it is none, in words for the operator.
    private func read(_ outcome: HTTPCaller.Outcome, to hook: HookName) -> (HookOutcome, String) {
        switch outcome {
        case .success(let reply):
            let said = HookOutcome(reply, to: hook, payloadBytesMax: limits.messageBytesMax)
            return (said, reply.status < 300 ? "the answer is none" : "status \(reply.status)")
        case .failure(let error):
            switch error.kind {
            case .timeout: return (.failed(.timeout), error.reason)
            case .connection: return (.failed(.connection), error.reason)
            case .tooLong: return (.failed(.answer), error.reason)
            }
        }
    }

    /// There is no answer, which may mean yes.
    private func fail(_ asker: HookAsker, _ hook: HookName, _ failure: HookFailure) {
        metrics[hook].failures(failure)?.add()
        if hook == .disconnect, !isRepeated(asker, failure) { metrics[hook].lost.add() }
        let isAllowed = queues[hook]?.policy.allowsOnFailure ?? false
        answer(asker, isAllowed ? .allowed(HookAnswer()) : .failed(failure))
    }

    private func answer(_ asker: HookAsker, _ outcome: HookOutcome) {
        switch asker {
        case .ticket(let ticket): reports[ticket.reactor].post(.hooked(ticket, outcome))
        case .reader(let holder): tell(.forgetReader(holder))
        case .will(let will, let entry):
            var isDone = true
            if case .failed(let failure) = outcome { isDone = !isRepeated(asker, failure) }
            tell(.told(will, entry, isDone: isDone))
        case .nobody: break
        }
    }

    private func tell(_ command: UplinkCommand) {
        uplink.inbox.post(command)
        isUplinkTold = true
    }

    /// Whether it is told again, for there was only no room for it: a will waits where it is.
    private func isRepeated(_ asker: HookAsker, _ failure: HookFailure) -> Bool {
        if case .will = asker { failure == .busy } else { false }
    }

    // MARK: Sets of keys

    private func fetchDueKeySets() {
        let now = Clock.monotonicNanoseconds / 1_000_000
        for url in keySets.keys where keySets[url]?.schedule.isDue(atMilliseconds: now) ?? false {
            keySets[url]?.schedule.begin(atMilliseconds: now)
            let call = HTTPCall(
                url: url,
                timeoutMilliseconds: limits.keySetTimeoutMilliseconds,
                answerBytesMax: limits.keySetBytesMax
            )
            guard let number = caller.begin(call) else {
                fail(keySet: url, "cannot be asked for")
                continue
            }
            calls[number] = .keySet(url)
        }
    }

    /// A token names a key that nobody knows: all are fetched that may be so soon, and what came of it is told.
    private func seekKeys() {
        let now = Clock.monotonicNanoseconds / 1_000_000
        for url in keySets.keys where keySets[url]?.schedule.want(atMilliseconds: now) ?? false { isSeekingKeys = true }
        guard isSeekingKeys else { return tokens.post(.keysSought) }
        fetchDueKeySets()
    }

    private func end(keySet url: String, _ outcome: HTTPCaller.Outcome) {
        guard let known = keySets[url] else { return }
        switch outcome {
        case .failure(let error): fail(keySet: url, error.reason)
        case .success(let reply) where reply.status != 200: fail(keySet: url, "status \(reply.status)")
        case .success(let reply):
            let digest = SHA256.hash(data: reply.body)
            if digest == known.digest { return settle(url, digest, reply.cacheControl, nil) }
            read(reply, digest, of: url)
        }
    }

    /// Has the keys made of a set, which is asynchronous, by whoever has time for it.
    private func read(_ reply: HTTPReply, _ digest: SHA256.Digest, of url: String) {
        let (tokens, own) = (tokens, reactor.inbox)
        Task.detached(executorPreference: OwnThreads.shared) {
            var fault: String?
            do {
                tokens.post(.keys(url: url, try await TokenKey.set(reply.body)))
            } catch {
                fault = "\(error)"
            }
            own.post(.keysRead(url: url, digest: digest, cacheControl: reply.cacheControl, fault: fault))
        }
    }

    private func settle(_ url: String, _ digest: SHA256.Digest, _ cacheControl: String?, _ fault: String?) {
        guard let known = keySets[url] else { return }
        if let fault { return fail(keySet: url, fault) }
        if known.digest != digest { logger.notice("keys of tokens are there", metadata: ["url": "\(url)"]) }
        metrics.keySetsFetched.add()
        keySets[url]?.digest = digest
        keySets[url]?.schedule.succeed(
            atMilliseconds: Clock.monotonicNanoseconds / 1_000_000,
            cacheControl: cacheControl
        )
        finishKeySet()
    }

    private func fail(keySet url: String, _ reason: String) {
        metrics.keySetsFailed.add()
        let isThere = keySets[url]?.digest != nil
        logger.warning(
            isThere
                ? "keys of tokens cannot be fetched anew; those that are there stay"
                : "keys of tokens cannot be fetched",
            metadata: ["url": "\(url)", "reason": "\(reason)"]
        )
        keySets[url]?.schedule.fail(atMilliseconds: Clock.monotonicNanoseconds / 1_000_000)
        finishKeySet()
    }

    private func finishKeySet() {
        countKeySets()
        guard isSeekingKeys, !keySets.values.contains(where: \.schedule.isUnderWay) else { return }
        isSeekingKeys = false
        tokens.post(.keysSought)
    }

    private func countKeySets() {
        metrics.keySets.set(keySets.count)
        metrics.keySetsMissing.set(keySets.values.count { $0.digest == nil })
    }
}
