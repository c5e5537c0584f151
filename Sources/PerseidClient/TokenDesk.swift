internal import Reactor

/// Gets the tokens that a client shows: those that wait for one are told once it is there, or cannot be had.
///
/// Thread: that of its client.
final class TokenDesk {
    typealias Waiter = (Result<String?, PerseidError>) -> Void

    private var keeper: TokenKeeper
    private let orders: Inbox<ClientOrder>
    private let answerMilliseconds: UInt64
    private var waiters: [Waiter] = []
    private var task: Task<Void, Never>?
    private var end: UInt64 = 0

    init(_ source: TokenSource?, answerMilliseconds: UInt64, orders: Inbox<ClientOrder>) {
        keeper = TokenKeeper(source)
        self.answerMilliseconds = answerMilliseconds
        self.orders = orders
    }

    /// Whether there can be another token than the one there is.
    var isRenewable: Bool { keeper.provider != nil }

    /// When another one should be shown.
    var replaceAt: UInt64? { keeper.replaceAt }

    /// When a provider has taken too long.
    var deadline: UInt64? { task == nil ? nil : end }

    /// Lets go of one that is not taken.
    func drop() { keeper.drop() }

    /// Does something with the token that is to be shown now, as soon as there is one.
    func withToken(now: UInt64, _ then: @escaping Waiter) {
        if let known = keeper.known(now: now) {
            if let known, let objection = TokenKeeper.objection(to: known) { return then(.failure(objection)) }
            return then(.success(known))
        }
        waiters.append(then)
        guard task == nil, let provider = keeper.provider else { return }
        end = now &+ answerMilliseconds
        let orders = orders
        task = Task {
            do {
                orders.post(.token(.success(try await provider())))
            } catch {
                let error = error as? PerseidError ?? PerseidError(message: "no token: \(error)")
                orders.post(.token(.failure(error)))
            }
        }
    }

    /// The provider answered; one that comes too late is of use, too.
    func took(_ result: Result<String, PerseidError>, now: UInt64) {
        var outcome = result.map { Optional($0) }
        if case .success(let token) = result {
            if let objection = TokenKeeper.objection(to: token) {
                outcome = .failure(objection)
            } else {
                keeper.take(token, now: now, realtime: Clock.realtimeMilliseconds)
            }
        }
        task = nil
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter(outcome) }
    }

    /// Waits no longer for a provider that takes too long.
    func timeIsUp(now: UInt64) {
        guard let deadline, deadline <= now else { return }
        task?.cancel()
        took(.failure(PerseidError(message: "no token in \(answerMilliseconds) ms")), now: now)
    }

    /// Nobody wants a token any more.
    func close(now: UInt64) {
        task?.cancel()
        took(.failure(.closed), now: now)
    }
}
