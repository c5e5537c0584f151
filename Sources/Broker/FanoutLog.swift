// bounded in this file: offsets are eight bytes that never wrap, and what lies between two of them is in memory; members are connections

/// The encoded frames of one channel (or one fixed set of channels) in one encoding, appended once and sent to every
/// member straight from here.
///
/// Thread: owned by one reactor. Offsets count bytes since the log was made and never repeat. A member is a subscription
/// with an offset; one that has everything costs the log nothing. The log keeps the bytes its furthest reader still
/// needs, and no memory at all once everyone has everything.
///
/// Sending goes in rounds: a round visits every member once, perhaps over several turns of the reactor, and then what
/// nobody needs is dropped. Frames that come during a round reach the members it has yet to visit and start the next.
public final class FanoutLog {
    /// Bytes kept for members that do not keep up, before the policy decides.
    public let windowBytesMax: Int

    /// What happens past the window.
    public let policy: SlowReaderPolicy

    /// Offset of the oldest byte that is kept.
    public private(set) var start: UInt64 = 0

    /// Offset after the newest byte.
    public private(set) var end: UInt64 = 0

    /// Who reads.
    public private(set) var members: [SubscriptionSlot] = []

    /// Members that hold bytes back.
    public private(set) var behindCount = 0

    private var storage: UnsafeMutableRawPointer?
    private var capacity = 0
    /// Offset of the first byte of `storage`; at most `start`.
    private var storageStart: UInt64 = 0
    private var frames = FrameIndex()
    /// The last position among the frames that were dropped.
    private var lastDroppedPosition = Position.start
    /// Offset up to which some round visited every member.
    private var sentThrough: UInt64 = 0
    /// Members that skip, and the position each has.
    private var skippedFrom: [SubscriptionSlot: Position] = [:]
    private var round = Round()

    /// The frame whose copy members that leave in mid-frame share, and that copy.
    private var sharedFrame: (start: UInt64, bytes: [UInt8])?

    private var lastCounted: (offset: UInt64, count: Int, frames: Int) = (0, 0, 0)

    private struct Round {
        var isUnderWay = false
        var next = 0
        /// Where the log ended when it began.
        var target: UInt64 = 0
        /// What may be dropped when it ends: the lowest offset of any member it saw.
        var keepsFrom: UInt64 = 0
    }

    /// Makes an empty log.
    public init(windowBytesMax: Int, policy: SlowReaderPolicy) {
        self.windowBytesMax = windowBytesMax
        self.policy = policy
    }

    deinit { storage?.deallocate() }

    /// Bytes of memory the log holds for frames.
    public var retainedBytes: Int { capacity }

    /// The same with what it knows of each frame.
    public var memoryBytes: Int { capacity + frames.byteCount }

    /// Bytes of frames the log keeps.
    public var keptBytes: Int { Int(end - start) }

    /// Bytes of frames that no round has brought to every member yet.
    public var unsentBytes: Int { Int(end - sentThrough) }

    // MARK: Frames

    /// Appends one whole frame; with a position, it is that publication's.
    public func append(_ frame: UnsafeRawBufferPointer, position: Position?) {
        guard let first = frame.baseAddress, frame.count > 0 else { return }
        let used = Int(end - storageStart)
        if used + frame.count > capacity { grow(toHold: Int(end - start) + frame.count) }
        // bounded: `grow` made room
        (storage! + Int(end - storageStart)).copyMemory(from: first, byteCount: frame.count)
        frames.append(from: end, to: end + UInt64(frame.count), position: position)
        end += UInt64(frame.count)
    }

    /// The bytes from an offset to the newest; valid until the next mutation.
    public func bytes(from offset: UInt64) -> UnsafeRawBufferPointer {
        assert(offset >= start && offset <= end, "offset \(offset) is outside \(start)...\(end)")
        return UnsafeRawBufferPointer(start: storage.map { $0 + Int(offset - storageStart) }, count: Int(end - offset))
    }

    /// Frames that end within `count` bytes from an offset. Members of a round mostly stand at the same offset, so the
    /// last answer is kept.
    public func frameCount(from offset: UInt64, count: Int) -> Int {
        if lastCounted.offset == offset, lastCounted.count == count { return lastCounted.frames }
        lastCounted = (offset, count, frames.count(endingAfter: offset, upTo: offset + UInt64(count)))
        return lastCounted.frames
    }

    /// What a reader at an offset still needs of the frame it stands in, as a copy shared with all who stand in that
    /// frame: so a thousand who leave together cost one frame. `nil` at a boundary.
    public func restOfFrame(at offset: UInt64) -> (bytes: [UInt8], skipping: Int)? {
        guard let frame = frames.frame(containing: offset), frame.start < offset else { return nil }
        if sharedFrame?.start != frame.start {
            let all = UnsafeRawBufferPointer(
                // bounded: a frame that is kept has its bytes here
                start: storage! + Int(frame.start - storageStart),
                count: Int(frame.end - frame.start)
            )
            sharedFrame = (frame.start, Array(all))
        }
        // bounded: set just above
        return (sharedFrame!.bytes, Int(offset - frame.start))
    }

    /// What a frame costs beside its bytes.
    public static let frameOverheadBytes = FrameIndex.overheadBytes

    /// What is kept for a reader at an offset: the bytes, and what each of their frames costs, for a frame may have three bytes.
    public func keptBytes(from offset: UInt64) -> UInt64 {
        end - offset + UInt64(Self.frameOverheadBytes * frames.count(endingAfter: offset, upTo: end))
    }

    /// Where the frame ends that a reader at an offset is sent next, or is being sent.
    public func frameEnd(at offset: UInt64) -> UInt64 { frames.frame(containing: offset)?.end ?? end }

    /// The position of the newest publication that was ever appended, or the one the log began at.
    public var lastPosition: Position { frames.newest?.position ?? lastDroppedPosition }

    /// The position of the last publication that is whole before an offset, or the one the log began at.
    public func position(upTo offset: UInt64) -> Position {
        frames.position(upTo: offset) ?? lastDroppedPosition
    }

    /// The newest publication's frame: where it starts, and the position before it.
    private var newest: (start: UInt64, before: Position)? {
        guard let newest = frames.newest else { return nil }
        return (newest.start, frames.position(upTo: newest.start) ?? lastDroppedPosition)
    }

    /// Tells an empty log the position its channel stands at, so that a gap can say where it begins.
    public func begin(at position: Position) {
        lastDroppedPosition = max(lastDroppedPosition, position)
    }

    // MARK: Members

    /// Adds a member that has everything up to now.
    public func add(
        client: ClientSlot,
        next: SubscriptionSlot,
        to table: inout SubscriptionTable
    ) -> SubscriptionSlot {
        let member = table.insert(client: client, log: self, offset: end, next: next)
        table[member].pointee.place = UInt32(members.count)
        members.append(member)
        return member
    }

    /// Removes a member. A round under way still visits everyone it has not visited.
    public func remove(_ member: SubscriptionSlot, from table: inout SubscriptionTable) {
        takeOut(member, in: table)
        table.remove(member)
        if members.isEmpty { dropAll() }
    }

    /// Has a member go on with another log, of which it has everything up to now; it is sent nothing more of this one.
    public func move(_ member: SubscriptionSlot, to other: FanoutLog, in table: borrowing SubscriptionTable) {
        assert(other !== self, "a member goes elsewhere")
        takeOut(member, in: table)
        let subscription = table[member]
        subscription.pointee.log = other
        subscription.pointee.offset = other.end
        subscription.pointee.flags = []
        subscription.pointee.place = UInt32(other.members.count)
        other.members.append(member)
        if members.isEmpty { dropAll() }
    }

    private func takeOut(_ member: SubscriptionSlot, in table: borrowing SubscriptionTable) {
        skippedFrom[member] = nil
        markCaughtUp(table[member])
        var hole = Int(table[member].pointee.place)
        if round.isUnderWay, hole < round.next {
            round.next -= 1
            move(from: round.next, to: hole, in: table)
            hole = round.next
        }
        move(from: members.count - 1, to: hole, in: table)
        members.removeLast()
    }

    private func move(from source: Int, to target: Int, in table: borrowing SubscriptionTable) {
        guard source != target else { return }
        members[target] = members[source]
        table[members[target]].pointee.place = UInt32(target)
    }

    /// Notes that a member could not be sent everything, so its bytes must be kept.
    public func markBehind(_ subscription: UnsafeMutablePointer<Subscription>) {
        guard !subscription.pointee.flags.contains(.isBehind) else { return }
        subscription.pointee.flags.insert(.isBehind)
        behindCount += 1
    }

    /// Notes that a member needs none of the kept bytes any more, and gives memory back after the last.
    public func markCaughtUp(_ subscription: UnsafeMutablePointer<Subscription>) {
        guard subscription.pointee.flags.contains(.isBehind) else { return }
        subscription.pointee.flags.remove(.isBehind)
        behindCount -= 1
        if behindCount == 0, !round.isUnderWay, !hasUnsentFrames { dropAll() }
    }

    // MARK: Rounds

    /// Whether a round must be begun or gone on with.
    public var hasUnsentFrames: Bool { round.isUnderWay || sentThrough < end }

    /// Whether the round has a member to visit yet. While it has not, `nextMember` ends it and drops what is not needed.
    public var hasMemberLeft: Bool { (round.isUnderWay ? round.next : 0) < members.count }

    /// The member to send to next; begins a round if none is under way. `nil` ends the round.
    public func nextMember() -> SubscriptionSlot? {
        if !round.isUnderWay { round = Round(isUnderWay: true, next: 0, target: end, keepsFrom: end) }
        guard round.next < members.count else {
            finishRound()
            return nil
        }
        defer { round.next += 1 }
        return members[round.next]
    }

    /// Notes that a member of this round still needs the bytes from an offset on.
    public func keep(from offset: UInt64) {
        round.keepsFrom = min(round.keepsFrom, offset)
    }

    private func finishRound() {
        round.isUnderWay = false
        sentThrough = round.target
        // Whoever was behind when it was visited may have caught up or left since then.
        var keepsFrom = behindCount == 0 ? round.target : round.keepsFrom
        if !skippedFrom.isEmpty, let newest { keepsFrom = min(keepsFrom, newest.start) }
        drop(upTo: keepsFrom)
    }

    // MARK: Members that fell out of the window

    /// Lets go of a member's bytes: it rejoins at the newest frame once its connection takes bytes again. Returns how
    /// its current frame ends (see `restOfFrame`), which its connection must still be sent.
    public func beginSkipping(_ member: SubscriptionSlot, in table: borrowing SubscriptionTable) -> (
        bytes: [UInt8], skipping: Int
    )? {
        let subscription = table[member]
        let rest = restOfFrame(at: subscription.pointee.offset)
        if let rest { subscription.pointee.offset += UInt64(rest.bytes.count - rest.skipping) }
        skippedFrom[member] = frames.position(upTo: subscription.pointee.offset) ?? lastDroppedPosition
        subscription.pointee.flags.insert(.isSkipping)
        markBehind(subscription)
        return rest
    }

    /// What a member that skipped is told, and puts it back among the readers.
    public func endSkipping(
        _ member: SubscriptionSlot,
        in table: borrowing SubscriptionTable
    ) -> (from: Position, to: Position) {
        let subscription = table[member]
        let from = skippedFrom.removeValue(forKey: member) ?? .start
        subscription.pointee.flags.remove(.isSkipping)
        let gap: (from: Position, to: Position)
        // The newest is not sent to who had it before it began to skip.
        if policy == .latest, let newest, newest.start >= subscription.pointee.offset {
            subscription.pointee.offset = newest.start
            // A round under way may have passed it by as a member that needs nothing.
            keep(from: newest.start)
            gap = (from, newest.before)
        } else {
            subscription.pointee.offset = end
            gap = (from, lastPosition)
        }
        return gap
    }

    // MARK: Memory

    private func drop(upTo offset: UInt64) {
        if offset == end, behindCount == 0 { return dropAll() }
        // Whole frames are kept, for `restOfFrame` of those who stand in the middle of one.
        let boundary = frames.frame(containing: offset)?.start ?? offset
        guard boundary > start else { return }
        start = boundary
        lastDroppedPosition = frames.drop(upTo: boundary) ?? lastDroppedPosition
        compact()
    }

    /// Moves what is kept to the front once half the memory before it is unused: each byte moves once at most for each
    /// byte that was dropped.
    private func compact() {
        guard let storage, start - storageStart > UInt64(capacity / 2) else { return }
        storage.copyMemory(from: storage + Int(start - storageStart), byteCount: Int(end - start))
        storageStart = start
    }

    private func dropAll() {
        lastDroppedPosition = frames.drop(upTo: end) ?? lastDroppedPosition
        start = end
        storageStart = end
        sentThrough = end
        sharedFrame = nil
        if capacity > Self.idleCapacityMax {
            storage?.deallocate()
            storage = nil
            capacity = 0
        }
    }

    /// Memory an idle log may keep for its next frames, so that a steady channel allocates nothing: 4 KiB, which 10,000
    /// busy channels pay with 40 MiB.
    private static let idleCapacityMax = 4_096

    /// Memory of a log from which everyone has everything, at most.
    public static let idleBytesMax = idleCapacityMax + FrameIndex.idleBytesMax

    private func grow(toHold needed: Int) {
        // Where bytes were dropped at the front, a third stays free, so that each move is paid for by many appends.
        let wanted = start > storageStart ? needed + needed / 2 : needed
        var size = max(capacity, 1_024)
        while size < wanted { size *= 2 }
        let replacement = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        if let old = storage {
            replacement.copyMemory(from: old + Int(start - storageStart), byteCount: Int(end - start))
            old.deallocate()
        }
        storageStart = start
        storage = replacement
        capacity = size
    }
}
