/// One subscribing connection; what it expects of each source is with the `Verifier`.
struct Subscriber {
    enum State: UInt8 {
        case connecting
        /// The request before the upgrade was sent (`--prelude-path`).
        case awaitingPrelude
        case awaitingHead
        /// Upgraded; the server will say when the subscription holds (`--await-subscribed`).
        case awaitingSubscribed
        case ready
        case closed
    }

    var descriptor: Int32 = -1
    var state = State.closed
    var channel: Int32 = 0
    /// The start of a message of which the rest has not arrived; nil nearly always.
    var incomplete: UnsafeMutableRawPointer?
    var incompleteByteCount = 0
}
