internal import Backplane
internal import Broker
internal import Reactor
internal import Trust

/// What the thread that verifies tokens is told.
enum TokenQuestion: Sendable {
    /// Who shows this?
    case verify(Ticket, [UInt8])
    /// Keys and what is asked of tokens are others from now on.
    case renew(TokenVerifier)
    /// End.
    case stop
}

/// Verifies tokens for all reactors of a node: a signature may take as long as ten deliveries, so none of them does it itself.
///
/// Thread: its own, and one for all; some 10,000 asymmetric signatures a second is what it can do.
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
        case .renew(let verifier): self.verifier = verifier
        case .stop: isFinished = true
        }
    }

    func ready(token: UInt64, readiness: Readiness) {}
    func tick(_ tick: Tick) {}
    func endOfTurn() -> Bool { false }
}
