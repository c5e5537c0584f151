internal import Reactor
internal import Synchronization

/// The one thread of a client, from its first order to its last.
///
/// It lives as long as somebody holds this: the client, and each of its subscriptions. Thread: any.
final class ClientThread: Sendable {
    private enum State {
        /// It has not said yet that it can work.
        case starting([ClientOrder])
        case running
        case over(PerseidError)
    }

    let orders: Inbox<ClientOrder>
    private let state: Shared

    /// What the thread itself holds of it: not its life.
    private final class Shared: Sendable {
        let state = Lock(State.starting([]))
    }

    /// Starts the thread.
    ///
    /// - Throws: if the system has no thread or no descriptor left.
    init(_ configuration: ClientConfiguration) throws(PerseidError) {
        let orders: Inbox<ClientOrder>
        let shared = Shared()
        do throws(SystemError) {
            orders = try Inbox()
            try ReactorThread.start(name: "perseid-client") {
                Self.run(configuration, orders, shared)
            }
        } catch {
            throw PerseidError(message: "\(error)")
        }
        self.orders = orders
        state = shared
    }

    deinit { close() }

    private static func run(_ configuration: ClientConfiguration, _ orders: Inbox<ClientOrder>, _ shared: Shared) {
        do throws(SystemError) {
            let reactor = try Reactor(inbox: orders)
            shared.state.withLock { state in
                guard case .starting(let waiting) = state else { return }
                for order in waiting { orders.post(order) }
                state = waiting.contains { $0.isLast } ? .over(.closed) : .running
            }
            reactor.run(ClientReactor(configuration, reactor))
            shared.state.withLock { $0 = .over(.closed) }
        } catch {
            let waiting = shared.state.withLock { state -> [ClientOrder] in
                guard case .starting(let waiting) = state else { return [] }
                state = .over(PerseidError(message: "\(error)"))
                return waiting
            }
            for order in waiting { order.fail(PerseidError(message: "\(error)")) }
        }
    }

    /// Gives an order, or says to whoever gave it that there is nobody any more.
    func post(_ order: ClientOrder) {
        let error = state.state.withLock { state -> PerseidError? in
            switch state {
            case .starting(let waiting): state = .starting(waiting + [order])
            case .running: orders.post(order)
            case .over(let error): return error
            }
            // From here on nobody is sure to look.
            if order.isLast, case .running = state { state = .over(.closed) }
            return nil
        }
        if let error { order.fail(error) }
    }

    /// Ends it: nothing that is asked from now on is done.
    func close() { post(.close) }
}

/// What a client is made of.
struct ClientConfiguration: Sendable {
    let addresses: [NodeAddress]
    let options: ClientOptions
}
