/// Where the frames of a fan-out log begin and end, and which publication each holds.
///
/// Thread: owned by one log. Frames are appended at the back and dropped from the front; the array behind it keeps its
/// memory, so a steady log allocates nothing.
struct FrameIndex {
    /// One frame: the offsets of its first byte and of the byte after its last, and the position of its publication or, if it
    /// is none's, of the last one before it.
    struct Frame {
        let start: UInt64
        let end: UInt64
        let position: Position?
    }

    /// What one costs, beside its bytes in the log.
    static let overheadBytes = MemoryLayout<Frame>.stride

    private var frames: [Frame] = []
    private var first = 0

    /// Frames whose memory an index keeps that has none.
    private static let idleCountMax = 256
    static let idleBytesMax = idleCountMax * overheadBytes

    private var newestFrame: Frame?

    /// The newest frame of a publication, if one is kept.
    var newest: (start: UInt64, position: Position)? {
        guard let frame = newestFrame, let position = frame.position else { return nil }
        return (frame.start, position)
    }

    /// Memory that it takes.
    var byteCount: Int { frames.capacity * Self.overheadBytes }

    mutating func append(from start: UInt64, to end: UInt64, position: Position?) {
        let known = position ?? (first < frames.count ? frames[frames.count - 1].position : nil)
        let frame = Frame(start: start, end: end, position: known)
        frames.append(frame)
        if position != nil { newestFrame = frame }
    }

    /// The frame a byte belongs to.
    func frame(containing offset: UInt64) -> Frame? {
        let index = firstIndex { $0.end > offset }
        return index < frames.count ? frames[index] : nil
    }

    /// The position of the last publication that is whole before an offset.
    func position(upTo offset: UInt64) -> Position? {
        let index = firstIndex { $0.end > offset }
        return index > first ? frames[index - 1].position : nil
    }

    /// Frames that end after one offset and at or before another.
    func count(endingAfter low: UInt64, upTo high: UInt64) -> Int {
        firstIndex { $0.end > high } - firstIndex { $0.end > low }
    }

    /// Forgets the frames that end at or before an offset; returns the last position among them.
    mutating func drop(upTo offset: UInt64) -> Position? {
        let position = position(upTo: offset)
        first = firstIndex { $0.end > offset }
        if let newest = newestFrame, newest.end <= offset { newestFrame = nil }
        if first == frames.count {
            frames.removeAll(keepingCapacity: frames.capacity <= Self.idleCountMax)
            first = 0
        } else if first > 256, first > frames.count / 2 {
            // bounded: half of them go, so each is moved once at most
            frames.removeFirst(first)
            first = 0
        }
        return position
    }

    /// The first kept frame for which something holds that holds for all later ones too.
    private func firstIndex(where holds: (Frame) -> Bool) -> Int {
        var low = first
        var high = frames.count
        while low < high {
            let middle = (low + high) / 2
            if holds(frames[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
