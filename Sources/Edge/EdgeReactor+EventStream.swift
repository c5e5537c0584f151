internal import Reactor
internal import Wire

extension EdgeReactor {
    /// How long a browser waits before it reconnects: spread, so that a node's readers do not come back in step.
    private static let retryMilliseconds: ClosedRange<UInt64> = 1_000...3_000

    /// Takes a request for an event stream.
    func openEventStream(_ request: borrowing HTTPRequest, _ index: UInt32) throws(HTTPRejection) {
        // The end of the body is the end of the connection: understood by HTTP/1.0 proxies too, and one encoding for all.
        try openStream(request, index, as: .eventStream, "text/event-stream; charset=utf-8", .untilClose) { padding in
            EventStreamEncoder.appendPrelude(
                retryMilliseconds: UInt64.random(in: Self.retryMilliseconds, using: &spread),
                paddingCount: padding,
                to: &output
            )
        }
    }
}
