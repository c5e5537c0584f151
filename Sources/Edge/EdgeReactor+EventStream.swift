internal import Reactor
internal import Wire

extension EdgeReactor {
    /// How long a client waits before it reconnects: spread, so that a node's readers do not come back in step.
    static let reconnectMilliseconds: ClosedRange<UInt64> = 500...2_000

    /// What stands before the first event of a stream.
    func appendEventStreamPrelude(_ paddingCount: Int) {
        EventStreamEncoder.appendPrelude(
            retryMilliseconds: UInt64.random(in: Self.reconnectMilliseconds, using: &spread),
            paddingCount: paddingCount,
            to: &output
        )
    }
}
