// bounded in this file: offsets are eight bytes that never wrap, and what lies between two of them is in memory; members are connections

/// The encoded frames of one channel (or one fixed set of channels) in one encoding, appended once and sent to every
/// member straight from here.
///
/// Thread: owned by one reactor. Offsets count bytes since the log was made and never repeat. A member is a subscription
/// with an offset; one that has everything costs the log nothing. The log keeps the bytes its furthest reader still
/// needs, and no memory for them once everyone has everything.
///
/// Sending goes in rounds: a round visits every member once, perhaps over several turns of the reactor, and then what
/// nobody needs is dropped. Frames that come during a round reach the members it has yet to visit and start the next.
///
/// Size: 54 bytes behind an object's head, for most logs of a node that hears a hundred thousand channels never had a frame. What there is
/// from the first frame on is its `Backlog`. What a reactor knows of a log's readers is a subclass, so that it is one object with
/// the log, found from a subscription without a search.
open class FanoutLog {
    /// Offset after the newest byte.
    public private(set) final var end: UInt64 = 0

    /// The last position among the frames that were dropped.
    private final var lastDroppedPosition = Position.start

    /// What there is from the first frame on.
    private final var backlog: Backlog?

    /// Bytes kept for members that do not keep up, before the policy decides.
    public final let windowBytesMax: Int

    /// Who reads.
    public private(set) final var members = Few<SubscriptionSlot>()

    /// What happens past the window.
    public final let policy: SlowReaderPolicy

    /// Makes an empty log.
    public init(windowBytesMax: Int, policy: SlowReaderPolicy) {
        self.windowBytesMax = windowBytesMax
        self.policy = policy
    }

    /// The same, where there must be one.
    private final func neededBacklog() -> Backlog {
        if let backlog { return backlog }
        let made = Backlog(at: end)
        backlog = made
        return made
    }

    /// Offset of the oldest byte that is kept.
    public final var start: UInt64 { backlog?.start ?? end }

    /// Members that hold bytes back.
    public final var behindCount: Int { backlog?.behindCount ?? 0 }

    /// Bytes of memory the log holds for frames.
    public final var retainedBytes: Int { backlog?.capacity ?? 0 }

    /// The same with what it knows of each frame.
    public final var memoryBytes: Int { backlog.map { $0.capacity + $0.frames.byteCount } ?? 0 }

    /// Bytes of frames the log keeps.
    public final var keptBytes: Int { Int(end - start) }

    /// Bytes of frames that no round has brought to every member yet.
    public final var unsentBytes: Int { backlog.map { Int(end - $0.sentThrough) } ?? 0 }

    // MARK: Frames

    /// Appends one whole frame; with a position, it is that publication's.
    public final func append(_ frame: UnsafeRawBufferPointer, position: Position?) {
        guard frame.count > 0 else { return }
        neededBacklog().append(frame, at: end, position: position)
        end += UInt64(frame.count)
    }

    /// The bytes from an offset to the newest; valid until the next mutation.
    public final func bytes(from offset: UInt64) -> UnsafeRawBufferPointer {
        assert(offset >= start && offset <= end, "offset \(offset) is outside \(start)...\(end)")
        return backlog?.bytes(from: offset, to: end) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Frames that end within `count` bytes from an offset.
    public final func frameCount(from offset: UInt64, count: Int) -> Int {
        backlog?.frameCount(from: offset, count: count) ?? 0
    }

    /// What a reader at an offset still needs of the frame it stands in, as a copy shared with all who stand in that
    /// frame: so a thousand who leave together cost one frame. `nil` at a boundary.
    public final func restOfFrame(at offset: UInt64) -> (bytes: [UInt8], skipping: Int)? {
        backlog?.restOfFrame(at: offset)
    }

    /// What a frame costs beside its bytes.
    public static let frameOverheadBytes = FrameIndex.overheadBytes

    /// What is kept for a reader at an offset: the bytes, and what each of their frames costs, for a frame may have three bytes.
    public final func keptBytes(from offset: UInt64) -> UInt64 {
        end - offset + UInt64(Self.frameOverheadBytes * (backlog?.frames.count(endingAfter: offset, upTo: end) ?? 0))
    }

    /// Where the frame ends that a reader at an offset is sent next, or is being sent.
    public final func frameEnd(at offset: UInt64) -> UInt64 { backlog?.frames.frame(containing: offset)?.end ?? end }

    /// The position of the newest publication that was ever appended, or the one the log began at.
    public final var lastPosition: Position { backlog?.frames.newest?.position ?? lastDroppedPosition }

    /// The position of the last publication that is whole before an offset, or the one the log began at.
    public final func position(upTo offset: UInt64) -> Position {
        backlog?.frames.position(upTo: offset) ?? lastDroppedPosition
    }

    /// The newest publication's frame: where it starts, and the position before it.
    private final var newest: (start: UInt64, before: Position)? {
        guard let newest = backlog?.frames.newest else { return nil }
        return (newest.start, position(upTo: newest.start))
    }

    /// Tells an empty log the position its channel stands at, so that a gap can say where it begins.
    public final func begin(at position: Position) {
        lastDroppedPosition = max(lastDroppedPosition, position)
    }

    // MARK: Members

    /// Adds a member that has everything up to now.
    public final func add(
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
    public final func remove(_ member: SubscriptionSlot, from table: inout SubscriptionTable) {
        takeOut(member, in: table)
        table.remove(member)
        if members.isEmpty { dropAll() }
    }

    /// Has a member go on with another log, of which it has everything up to now; it is sent nothing more of this one.
    public final func move(_ member: SubscriptionSlot, to other: FanoutLog, in table: borrowing SubscriptionTable) {
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

    private final func takeOut(_ member: SubscriptionSlot, in table: borrowing SubscriptionTable) {
        backlog?.skippedFrom[member] = nil
        markCaughtUp(table[member])
        var hole = Int(table[member].pointee.place)
        if let backlog, backlog.round.isUnderWay, hole < backlog.round.next {
            backlog.round.next -= 1
            move(from: backlog.round.next, to: hole, in: table)
            hole = backlog.round.next
        }
        move(from: members.count - 1, to: hole, in: table)
        members.removeLast()
    }

    private final func move(from source: Int, to target: Int, in table: borrowing SubscriptionTable) {
        guard source != target else { return }
        members[target] = members[source]
        table[members[target]].pointee.place = UInt32(target)
    }

    /// Notes that a member could not be sent everything, so its bytes must be kept.
    public final func markBehind(_ subscription: UnsafeMutablePointer<Subscription>) {
        guard !subscription.pointee.flags.contains(.isBehind) else { return }
        subscription.pointee.flags.insert(.isBehind)
        neededBacklog().behindCount += 1
    }

    /// Notes that a member needs none of the kept bytes any more, and gives memory back after the last.
    public final func markCaughtUp(_ subscription: UnsafeMutablePointer<Subscription>) {
        guard subscription.pointee.flags.contains(.isBehind), let backlog else { return }
        subscription.pointee.flags.remove(.isBehind)
        backlog.behindCount -= 1
        if backlog.behindCount == 0, !hasUnsentFrames { dropAll() }
    }

    // MARK: Rounds

    /// Whether a round must be begun or gone on with.
    public final var hasUnsentFrames: Bool { backlog.map { $0.round.isUnderWay || $0.sentThrough < end } ?? false }

    /// Whether the round has a member to visit yet. While it has not, `nextMember` ends it and drops what is not needed.
    public final var hasMemberLeft: Bool {
        (backlog?.round.isUnderWay == true ? backlog?.round.next ?? 0 : 0) < members.count
    }

    /// The member to send to next; begins a round if none is under way. `nil` ends the round.
    public final func nextMember() -> SubscriptionSlot? {
        let backlog = neededBacklog()
        if !backlog.round.isUnderWay { backlog.beginRound(to: end) }
        let place = backlog.round.next
        guard place < members.count else {
            finishRound(of: backlog)
            return nil
        }
        backlog.round.next = place + 1
        return members[place]
    }

    /// Notes that a member of this round still needs the bytes from an offset on.
    public final func keep(from offset: UInt64) {
        let backlog = neededBacklog()
        backlog.round.keepsFrom = min(backlog.round.keepsFrom, offset)
    }

    private final func finishRound(of backlog: Backlog) {
        backlog.round.isUnderWay = false
        backlog.sentThrough = backlog.round.target
        // Whoever was behind when it was visited may have caught up or left since then.
        var keepsFrom = backlog.behindCount == 0 ? backlog.round.target : backlog.round.keepsFrom
        if !backlog.skippedFrom.isEmpty, let newest { keepsFrom = min(keepsFrom, newest.start) }
        if keepsFrom == end, backlog.behindCount == 0 { return dropAll() }
        lastDroppedPosition = backlog.drop(upTo: keepsFrom, end) ?? lastDroppedPosition
    }

    // MARK: Members that fell out of the window

    /// Lets go of a member's bytes: it rejoins at the newest frame once its connection takes bytes again. Returns how
    /// its current frame ends (see `restOfFrame`), which its connection must still be sent.
    public final func beginSkipping(_ member: SubscriptionSlot, in table: borrowing SubscriptionTable) -> (
        bytes: [UInt8], skipping: Int
    )? {
        let subscription = table[member]
        let rest = restOfFrame(at: subscription.pointee.offset)
        if let rest { subscription.pointee.offset += UInt64(rest.bytes.count - rest.skipping) }
        neededBacklog().skippedFrom[member] = position(upTo: subscription.pointee.offset)
        subscription.pointee.flags.insert(.isSkipping)
        markBehind(subscription)
        return rest
    }

    /// What a member that skipped is told, and puts it back among the readers.
    public final func endSkipping(
        _ member: SubscriptionSlot,
        in table: borrowing SubscriptionTable
    ) -> (from: Position, to: Position) {
        let subscription = table[member]
        let from = backlog?.skippedFrom.removeValue(forKey: member) ?? .start
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

    private final func dropAll() {
        guard let backlog else { return }
        lastDroppedPosition = backlog.dropAll(upTo: end) ?? lastDroppedPosition
    }

    /// Memory of a log from which everyone has everything, at most.
    public static let idleBytesMax = Backlog.idleCapacityMax + FrameIndex.idleBytesMax
}
