internal import Broker
internal import DequeModule

/// Memory for the tails of all channels that a node hears, and for what was heard and waits for a read: each has a limit of its
/// own, and there may be a hundred thousand.
///
/// Thread: owned by the uplink. Past the bound a tail that grows is brought down to its share of it, and so are those that
/// others have had for longest: each publication pays for a look at a few, and a tail that is gone costs a read of history.
struct TailMemory {
    /// Tails that are looked at for room with each publication past the bound.
    private static let looksPerPublication = 4

    private let bytesMax: Int
    private let heldBytesMax: Int

    /// Channels that have a tail, in the order in which they are looked at; among them some that are no longer heard.
    private var line = Deque<WatchedChannel>()
    private var goneCount = 0

    /// Memory that the tails take.
    private(set) var byteCount = 0

    /// Payload of what waits for reads.
    private(set) var heldByteCount = 0

    init(bytesMax: Int, heldBytesMax: Int) {
        self.bytesMax = bytesMax
        self.heldBytesMax = heldBytesMax
    }

    /// Counts what a channel's tail takes now, and makes room if that is too much.
    mutating func count(_ channel: WatchedChannel) {
        recount(channel)
        if heldByteCount > heldBytesMax {
            channel.continuity.letGoOfHeld()
            recount(channel)
        }
        if !channel.isInTailLine, channel.tailBytes > 0 {
            channel.isInTailLine = true
            line.append(channel)
        }
        guard byteCount > bytesMax else { return }
        let share = bytesMax / max(line.count - goneCount, 1)
        channel.continuity.trimTail(toMemory: share)
        recount(channel)
        for _ in 0..<min(Self.looksPerPublication, line.count) where byteCount > bytesMax {
            guard let other = line.popFirst() else { return }
            other.isInTailLine = false
            if other.isGone {
                goneCount -= 1
                continue
            }
            other.continuity.trimTail(toMemory: share)
            recount(other)
            guard other.tailBytes > 0 else { continue }
            other.isInTailLine = true
            line.append(other)
        }
    }

    /// The channel is no longer heard.
    mutating func remove(_ channel: WatchedChannel) {
        byteCount -= channel.tailBytes
        heldByteCount -= channel.heldBytes
        channel.tailBytes = 0
        channel.heldBytes = 0
        channel.isGone = true
        guard channel.isInTailLine else { return }
        goneCount += 1
        // Looked through once for as many as it lets go of.
        guard goneCount > line.count / 2 else { return }
        line.removeAll { $0.isGone }
        goneCount = 0
    }

    private mutating func recount(_ channel: WatchedChannel) {
        byteCount += channel.continuity.tail.byteCount - channel.tailBytes
        channel.tailBytes = channel.continuity.tail.byteCount
        heldByteCount += channel.continuity.heldBytes - channel.heldBytes
        channel.heldBytes = channel.continuity.heldBytes
    }
}
