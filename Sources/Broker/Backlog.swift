// bounded in this file: offsets are eight bytes that never wrap, and what lies between two of them is in memory

/// What a fan-out log has from its first frame on: the bytes that are kept, which frames they are, and how far they were sent.
///
/// Thread: owned by one log. Size: 200 bytes, the memory of the frames, and what is known of each.
final class Backlog {
    /// A visit to every member of the log.
    struct Round {
        var isUnderWay = false
        var next = 0
        /// Where the log ended when it began.
        var target: UInt64 = 0
        /// What may be dropped when it ends: the lowest offset of any member it saw.
        var keepsFrom: UInt64 = 0
    }

    /// Offset of the oldest byte that is kept.
    private(set) var start: UInt64

    private(set) var frames = FrameIndex()

    private var storage: UnsafeMutableRawPointer?

    /// Bytes of memory for frames.
    private(set) var capacity = 0

    /// Offset of the first byte of `storage`; at most `start`.
    private var storageStart: UInt64

    /// Offset up to which some round visited every member.
    var sentThrough: UInt64

    /// Members that hold bytes back.
    var behindCount = 0

    /// Members that skip, and the position each has.
    var skippedFrom: [SubscriptionSlot: Position] = [:]

    var round = Round()

    /// The frame whose copy members that leave in mid-frame share, and that copy.
    private var sharedFrame: (start: UInt64, bytes: [UInt8])?

    private var lastCounted: (offset: UInt64, count: Int, frames: Int) = (0, 0, 0)

    /// Of a log that ends at an offset, and keeps nothing before that.
    init(at end: UInt64) {
        start = end
        storageStart = end
        sentThrough = end
    }

    deinit { storage?.deallocate() }

    func beginRound(to end: UInt64) { round = Round(isUnderWay: true, next: 0, target: end, keepsFrom: end) }

    // MARK: Frames

    /// Appends a frame that is not empty where the log ends.
    func append(_ frame: UnsafeRawBufferPointer, at end: UInt64, position: Position?) {
        guard let first = frame.baseAddress else { return }
        if Int(end - storageStart) + frame.count > capacity { grow(toHold: Int(end - start) + frame.count, end) }
        // bounded: `grow` made room
        (storage! + Int(end - storageStart)).copyMemory(from: first, byteCount: frame.count)
        frames.append(from: end, to: end + UInt64(frame.count), position: position)
    }

    /// The bytes from an offset to where the log ends.
    func bytes(from offset: UInt64, to end: UInt64) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: storage.map { $0 + Int(offset - storageStart) }, count: Int(end - offset))
    }

    /// Frames that end within `count` bytes from an offset. Members of a round mostly stand at the same offset, so the
    /// last answer is kept.
    func frameCount(from offset: UInt64, count: Int) -> Int {
        if lastCounted.offset == offset, lastCounted.count == count { return lastCounted.frames }
        lastCounted = (offset, count, frames.count(endingAfter: offset, upTo: offset + UInt64(count)))
        return lastCounted.frames
    }

    /// See `FanoutLog.restOfFrame`.
    func restOfFrame(at offset: UInt64) -> (bytes: [UInt8], skipping: Int)? {
        guard let frame = frames.frame(containing: offset), frame.start < offset else { return nil }
        if let sharedFrame, sharedFrame.start == frame.start { return (sharedFrame.bytes, Int(offset - frame.start)) }
        let all = UnsafeRawBufferPointer(
            // bounded: a frame that is kept has its bytes here
            start: storage! + Int(frame.start - storageStart),
            count: Int(frame.end - frame.start)
        )
        let copy = Array(all)
        sharedFrame = (frame.start, copy)
        return (copy, Int(offset - frame.start))
    }

    // MARK: Memory

    /// Memory an idle log may keep for its next frames, so that a steady channel allocates nothing: 4 KiB, which 10,000
    /// busy channels pay with 40 MiB.
    static let idleCapacityMax = 4_096

    /// Lets go of what is before an offset; says which position was the last there.
    func drop(upTo offset: UInt64, _ end: UInt64) -> Position? {
        // Whole frames are kept, for `restOfFrame` of those who stand in the middle of one.
        let boundary = frames.frame(containing: offset)?.start ?? offset
        guard boundary > start else { return nil }
        let position = frames.drop(upTo: boundary)
        start = boundary
        compact(end)
        return position
    }

    /// Lets go of everything, up to where the log ends; says which position was the last there.
    func dropAll(upTo end: UInt64) -> Position? {
        let position = frames.drop(upTo: end)
        start = end
        storageStart = end
        sentThrough = end
        sharedFrame = nil
        if capacity > Self.idleCapacityMax {
            storage?.deallocate()
            storage = nil
            capacity = 0
        }
        return position
    }

    /// Moves what is kept to the front once half the memory before it is unused: each byte moves once at most for each
    /// byte that was dropped.
    private func compact(_ end: UInt64) {
        guard let storage, start - storageStart > UInt64(capacity / 2) else { return }
        storage.copyMemory(from: storage + Int(start - storageStart), byteCount: Int(end - start))
        storageStart = start
    }

    private func grow(toHold needed: Int, _ end: UInt64) {
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
