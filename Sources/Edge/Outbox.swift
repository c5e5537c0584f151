internal import Broker

/// What waits to be sent to one connection besides the logs it reads: answers, replays, the ends of frames.
///
/// Thread: owned by one reactor. It exists only while the socket takes less than it is given, so an idle connection has
/// none. Segments may share their bytes with other connections' outboxes.
final class Outbox {
    private struct Segment {
        let bytes: [UInt8]
        var sent: Int
    }

    private var segments: [Segment] = []

    /// What the client missed and was not told yet; it comes behind all of the segments.
    var replays: [Replay] = []

    /// Bytes that wait, without the replays.
    private(set) var count = 0

    /// Whether all but the replays is sent.
    var isEmpty: Bool { segments.isEmpty }

    /// Appends bytes of which the first `skipping` were sent already.
    func append(_ bytes: [UInt8], skipping: Int = 0) {
        guard bytes.count > skipping else { return }
        segments.append(Segment(bytes: bytes, sent: skipping))
        count += bytes.count - skipping
    }

    /// Puts bytes in front of all others: the rest of a frame the socket has the beginning of.
    func prepend(_ bytes: [UInt8], skipping: Int) {
        guard bytes.count > skipping else { return }
        segments.insert(Segment(bytes: bytes, sent: skipping), at: 0)
        count += bytes.count - skipping
    }

    /// Hands over what is not sent of up to `countMax` segments, in order.
    func withSegments(upTo countMax: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        for segment in segments.prefix(countMax) {
            segment.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[segment.sent...])) }
        }
    }

    /// Forgets the first bytes: they were sent.
    func consume(_ sent: Int) {
        var rest = sent
        count -= sent
        var finished = 0
        while rest > 0 {
            let waiting = segments[finished].bytes.count - segments[finished].sent
            guard rest >= waiting else {
                segments[finished].sent += rest
                break
            }
            rest -= waiting
            finished += 1
        }
        segments.removeFirst(finished)
    }
}
