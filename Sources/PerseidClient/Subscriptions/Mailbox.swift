internal import Broker
internal import Reactor
internal import Synchronization

/// What waits for the loop that reads a subscription.
///
/// Thread: any. The client's thread puts in, the loop's task takes out; when it has as many bytes as it may, the client's thread reads no
/// further until the loop has taken half of them.
final class Mailbox: Sendable {
    private struct State {
        /// Events in the order they came, and those of them that are taken next, the last of them first: each is moved once.
        var arrived: [SubscriptionEvent] = []
        var ready: [SubscriptionEvent] = []
        var byteCount = 0
        var wasFull = false
        var waiter: CheckedContinuation<Taken, Never>?
        var end: Taken?
        /// Where the loop is.
        var place: Place

        mutating func takeNext() -> SubscriptionEvent? {
            if ready.isEmpty {
                ready = arrived.reversed()
                arrived = []
            }
            return ready.popLast()
        }
    }

    /// An event, or the end: in order, or with an error.
    typealias Taken = Result<SubscriptionEvent?, PerseidError>

    private let state: Lock<State>
    private let bytesMax: Int

    /// Tells the client's thread that there is room again.
    private let orders: Inbox<ClientOrder>

    init(bytesMax: Int, place: Place, orders: Inbox<ClientOrder>) {
        // With room for nothing at all nobody would ever say that there is some again.
        self.bytesMax = max(bytesMax, 1)
        self.orders = orders
        state = Lock(State(place: place))
    }

    /// Where the loop is, as a cursor.
    var cursor: String { state.withLock { $0.place.text() } }

    /// Whether the client's thread is to wait. From then on it is told when there is room.
    var isFull: Bool {
        state.withLock { state in
            if state.byteCount >= bytesMax { state.wasFull = true }
            return state.wasFull
        }
    }

    // MARK: The client's thread

    /// Puts an event in, or hands it to the loop that waits for one.
    func put(_ event: SubscriptionEvent) {
        let waiter = state.withLock { state -> CheckedContinuation<Taken, Never>? in
            guard state.end == nil else { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                Self.note(event, &state)
                return waiter
            }
            // Of a loop that does not come for them, states of the connection are not kept for ever.
            if case .connection = event, state.byteCount >= bytesMax, case .connection? = state.arrived.last {
                state.arrived[state.arrived.count - 1] = event
                return nil
            }
            state.arrived.append(event)
            state.byteCount += event.byteCount
            return nil
        }
        waiter?.resume(returning: .success(event))
    }

    /// It is over: what waits is still told, then the end. The first end counts.
    func finish(_ error: PerseidError? = nil) {
        let end: Taken = error.map { .failure($0) } ?? .success(nil)
        let waiter = state.withLock { state -> CheckedContinuation<Taken, Never>? in
            guard state.end == nil else { return nil }
            state.end = end
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: end)
    }

    // MARK: The loop's task

    /// The next event, once there is one. Only one task at a time may ask.
    func next() async -> Taken {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (taken, hasRoom) = take(for: continuation)
                if hasRoom { orders.post(.drained) }
                if let taken { continuation.resume(returning: taken) }
            }
        } onCancel: {
            abandon()
        }
    }

    private func take(for waiter: CheckedContinuation<Taken, Never>) -> (taken: Taken?, hasRoom: Bool) {
        state.withLock { state in
            if let event = state.takeNext() {
                state.byteCount -= event.byteCount
                Self.note(event, &state)
                let hasRoom = state.wasFull && state.byteCount <= bytesMax / 2
                if hasRoom { state.wasFull = false }
                return (.success(event), hasRoom)
            }
            if let end = state.end {
                // An error is told once.
                state.end = .success(nil)
                return (end, false)
            }
            guard state.waiter == nil else {
                return (.failure(PerseidError(message: "two loops read one subscription", isFinal: true)), false)
            }
            state.waiter = waiter
            return (nil, false)
        }
    }

    /// Nobody comes any more: what waits is let go of.
    func abandon() {
        let (waiter, hasRoom) = state.withLock { state -> (CheckedContinuation<Taken, Never>?, Bool) in
            defer {
                state.waiter = nil
                state.wasFull = false
            }
            state.end = .success(nil)
            state.arrived = []
            state.ready = []
            state.byteCount = 0
            return (state.waiter, state.wasFull)
        }
        if hasRoom { orders.post(.drained) }
        waiter?.resume(returning: .success(nil))
    }

    /// The loop is where this event is.
    private static func note(_ event: SubscriptionEvent, _ state: inout State) {
        switch event {
        case .message(let message): note(message.channel, message.position, &state)
        case .gap(let gap): note(gap.channel, gap.to, &state)
        case .opened(let opened):
            // Who resumes is where it was until the first message.
            if opened.isRecovered != true { note(opened.channel, opened.position, &state) }
        case .connection: break
        }
    }

    private static func note(_ channel: String, _ position: Position?, _ state: inout State) {
        guard let position, let name = ChannelName(channel) else { return }
        if let own = state.place.position(in: name), own >= position.place { return }
        state.place.set(name, position.place)
    }
}
