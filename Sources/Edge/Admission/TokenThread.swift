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
    case change(TokenVerifier, AccessPolicy)
    /// End.
    case stop
}

/// Verifies tokens for all reactors of a node. A connect with an ES256 token that nobody has seen takes 150 µs more than one without
/// (`bench/run --case token-connects`), so no reactor does that itself.
///
/// Thread: its own, and one for all.
final class TokenThread: ReactorHandler {
    private var verifier: TokenVerifier
    private let reports: [Inbox<UplinkReport>]
    private(set) var isFinished = false

    init(_ verifier: TokenVerifier, reports: [Inbox<UplinkReport>]) {
        self.verifier = verifier
        self.reports = reports
    }

    func receive(_ question: TokenQuestion) {
        switch question {
        case .verify(let ticket, let token):
            let now = Clock.realtimeMilliseconds
            let outcome = Result { () throws(TokenFault) in try verifier.verify(token, nowMilliseconds: now) }
            reports[ticket.reactor].post(.identified(ticket, outcome))
        case .change(let verifier, let policy):
            self.verifier = verifier
            for inbox in reports { inbox.post(.accessChanged(policy)) }
        case .stop: isFinished = true
        }
    }

    func ready(token: UInt64, readiness: Readiness) {}
    func tick(_ tick: Tick) {}
    func endOfTurn() -> Bool { false }
}
