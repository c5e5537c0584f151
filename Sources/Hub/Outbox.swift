internal import Broker
internal import DequeModule

/// What waits to be sent to one connection besides the logs it reads: answers, replays, the ends of frames.
///
/// Thread: owned by one reactor. It exists only while the socket takes less than it is given, so an idle connection has
/// none. What is made for this connection alone is counted with what it costs to keep (`heldBytes`); the ends of frames are
/// shared with all who left in the same frame, and count nothing. Appending and sending cost the same however much waits.
public final class Outbox {
    private struct Segment {
        var bytes: [UInt8]
        var sent: Int
        let isShared: Bool
    }

    /// What a segment costs beside its bytes: the array's header, its place in the queue, and what the allocator rounds up.
    static let segmentOverheadBytes = 96

    /// Small answers are gathered in segments of about this size: half a million pongs of two bytes are then a megabyte and
    /// not fifty.
    private static let gatheredBytesMax = 4_096

    private var segments = Deque<Segment>()

    /// What the client missed and was not told yet; it comes behind all of the segments.
    private(set) var replays = Deque<Replay>()

    /// Bytes that wait in front of the replays.
    private(set) var count = 0

    /// Bytes of memory that are held for this connection alone.
    private(set) var heldBytes = 0 {
        didSet { held.outputBytes += heldBytes - oldValue }
    }

    private let held: HeldMemory

    init(_ held: HeldMemory) { self.held = held }

    deinit { held.outputBytes -= heldBytes }

    /// Whether all but the replays is sent.
    var isEmpty: Bool { segments.isEmpty }

    /// Appends a copy of bytes that are this connection's own.
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        count += bytes.count
        heldBytes += bytes.count
        if let last = segments.last, !last.isShared, last.bytes.count + bytes.count <= Self.gatheredBytesMax {
            segments[segments.count - 1].bytes.append(contentsOf: bytes)
        } else {
            heldBytes += Self.segmentOverheadBytes
            segments.append(Segment(bytes: Array(bytes), sent: 0, isShared: false))
        }
    }

    /// Puts the rest of a frame that the socket has the beginning of in front of all others; others share its bytes.
    func prepend(_ bytes: [UInt8], skipping: Int) {
        guard bytes.count > skipping else { return }
        segments.prepend(Segment(bytes: bytes, sent: skipping, isShared: true))
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
        assert(sent <= count, "more was sent than waits")
        var rest = sent
        count -= sent
        while rest > 0, let first = segments.first {
            let waiting = first.bytes.count - first.sent
            guard rest >= waiting else {
                segments[0].sent += rest
                return
            }
            rest -= waiting
            if !first.isShared { heldBytes -= first.bytes.count + Self.segmentOverheadBytes }
            segments.removeFirst()
        }
    }

    // MARK: Replays

    func append(_ replay: Replay) {
        replays.append(replay)
        heldBytes += Self.heldBytes(of: replay)
    }

    /// Makes the next frames of the first replay by `body`.
    func withFirstReplay(_ body: (inout Replay) -> Void) { body(&replays[0]) }

    /// Drops the first replay: all of it was told.
    func dropFirstReplay() { heldBytes -= Self.heldBytes(of: replays.removeFirst()) }

    /// What of a replay is this connection's alone.
    private static func heldBytes(of replay: Replay) -> Int {
        replay.made.isEmpty ? 0 : replay.made.count + segmentOverheadBytes
    }

    /// Payload of the replays, until they are done.
    var replayBytes: Int { replays.reduce(0) { $0 + $1.byteCount } }

    /// Drops what was to be told in front of a join that goes on behind it; returns it as far as it was told.
    func dropReplay(before join: Join) -> Replay? {
        replays.firstIndex { $0.continuation === join }.map { replays.remove(at: $0) }
    }

    /// Drops what was to be told of a channel that its client no longer wants.
    func dropReplays(of channel: ChannelName) {
        for place in replays.indices { replays[place].leave(channel) }
        replays.removeAll { replay in
            guard !replay.isWanted else { return false }
            heldBytes -= Self.heldBytes(of: replay)
            return true
        }
    }
}
