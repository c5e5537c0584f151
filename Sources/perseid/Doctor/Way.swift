import PerseidClient
import Synchronization

/// One transport that is being tried: its client, and what became of it so far.
struct Way: Sendable {
    let transport: Transport
    let client: PerseidClient
    let log = WayLog()

    /// Begins at once, from now on or after a position.
    init(_ transport: Transport, _ client: PerseidClient, _ channel: String, since position: Position? = nil) {
        self.transport = transport
        self.client = client
        let subscription = position.map { client.subscribe(channel, since: $0) } ?? client.subscribe(channel)
        Task { [log] in
            do throws(PerseidError) {
                for try await event in subscription.events { log.note(event) }
            } catch {
                log.note(error)
            }
        }
    }
}

/// What happened on one way. Written by the loop over its events, read by whoever judges it.
final class WayLog: Sendable {
    private struct State {
        var openSeconds: Double?
        var lostSeconds: Double?
        var hasMessage = false
        var error: PerseidError?
        var isRefused = false
    }

    private let start = ContinuousClock.now
    private let state = Mutex(State())

    /// Since the beginning.
    var openSeconds: Double? { state.withLock { $0.openSeconds } }
    /// From the opening to the first loss.
    var lostSeconds: Double? { state.withLock { $0.lostSeconds } }
    var hasMessage: Bool { state.withLock { $0.hasMessage } }
    var error: PerseidError? { state.withLock { $0.error } }
    var isOpen: Bool { openSeconds != nil }

    /// Open, or refused for good.
    var isDecided: Bool { state.withLock { $0.openSeconds != nil || $0.isRefused } }

    func note(_ event: SubscriptionEvent) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        state.withLock { state in
            switch event {
            case .opened: if state.openSeconds == nil { state.openSeconds = seconds }
            case .message: state.hasMessage = true
            case .connection(.waiting(let error, _, _)):
                state.error = error
                if let opened = state.openSeconds, state.lostSeconds == nil { state.lostSeconds = seconds - opened }
            case .connection(.complaint(let error)): state.error = error
            case .connection(.connecting), .connection(.open), .gap: break
            }
        }
    }

    func note(_ error: PerseidError) {
        state.withLock { state in
            state.error = error
            state.isRefused = true
        }
    }
}
