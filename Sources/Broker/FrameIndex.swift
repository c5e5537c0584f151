/// Where the frames of a fan-out log begin and end, and which publication each holds.
///
/// Thread: owned by one log. Frames are appended at the back and dropped from the front; the array behind it keeps its
/// memory, so a steady log allocates nothing.
struct FrameIndex {
    /// One frame: the offsets of its first byte and of the byte after its last, and its publication's position.
    struct Frame {
        let start: UInt64
        let end: UInt64
        let position: Position?
    }

    private var frames: [Frame] = []
    private var first = 0

    /// The newest frame of a publication, if one is kept.
    var newest: (start: UInt64, position: Position)? {
        for frame in frames[first...].reversed() {
            if let position = frame.position { return (frame.start, position) }
        }
        return nil
    }

    mutating func append(from start: UInt64, to end: UInt64, position: Position?) {
        frames.append(Frame(start: start, end: end, position: position))
    }

    /// The frame a byte belongs to.
    func frame(containing offset: UInt64) -> Frame? {
        let index = firstIndex { $0.end > offset }
        return index < frames.count ? frames[index] : nil
    }

    /// The position of the last publication that is whole before an offset.
    func position(upTo offset: UInt64) -> Position? {
        var index = firstIndex { $0.end > offset }
        while index > first {
            index -= 1
            if let position = frames[index].position { return position }
        }
        return nil
    }

    /// Frames that end after one offset and at or before another.
    func count(endingAfter low: UInt64, upTo high: UInt64) -> Int {
        firstIndex { $0.end > high } - firstIndex { $0.end > low }
    }

    /// Forgets the frames that end at or before an offset; returns the last position among them.
    mutating func drop(upTo offset: UInt64) -> Position? {
        let position = position(upTo: offset)
        first = firstIndex { $0.end > offset }
        if first == frames.count {
            frames.removeAll(keepingCapacity: frames.capacity <= 256)
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
