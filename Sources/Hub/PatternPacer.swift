internal import Broker

/// Holds back what is published in all channels of some patterns from the readers of one feed, and lets them have all at once when it is
/// time.
///
/// Thread: owned by one reactor. It holds frames, as they go into the feed's log: a frame says where its reader stands in all channels,
/// which is right for who was told all before it. One that a newer of the same key has replaced is left out. Memory: the frames, and 128
/// bytes for each; `Hub.hold` bounds it.
final class PatternPacer {
    /// What a newer message replaces: a key of a keyed channel, or the channel where rules say that only its newest is told.
    struct Key: Hashable {
        let topic: ObjectIdentifier
        let key: PublicationKey?
    }

    /// Something to be told.
    struct Frame {
        /// They are counted as they come, so that it can be said who was there before.
        let number: UInt64
        let bytes: [UInt8]
        /// The publication's, if it is one.
        let position: Position?
        let key: Key?
    }

    /// What a frame costs beside its bytes.
    private static let overheadBytes = 128

    /// Batches a second, at most: what was asked for, or what rules say of the slowest of the channels.
    var rate: MaxRate

    /// Where its readers stand in what they asked for, while something is held back.
    private(set) var standings: [Position]

    /// When they were last told something, in milliseconds of a clock that never jumps.
    private(set) var toldMilliseconds: UInt64?

    /// When they are told next; `nil` while nothing is held back.
    private(set) var dueMilliseconds: UInt64?

    /// Bytes that it holds.
    private(set) var byteCount = 0

    /// Frames that were left out because of others.
    private(set) var leftOutCount = 0

    private var frames: [Frame?] = []
    private var places: [Key: Int] = [:]
    private var goneCount = 0
    private var nextNumber: UInt64 = 0

    /// Readers that came while something was held back, which they have, and what they are sent first.
    private var ahead: [(member: SubscriptionSlot, number: UInt64)] = []

    init(rate: MaxRate, standings: [Position]) {
        self.rate = rate
        self.standings = standings
    }

    var isEmpty: Bool { frames.isEmpty }

    // MARK: What is held back

    func add(_ bytes: UnsafeRawBufferPointer, position: Position?, key: Key?) {
        if let key, let place = places.updateValue(frames.count, forKey: key) { leaveOut(place) }
        frames.append(Frame(number: nextNumber, bytes: Array(bytes), position: position, key: key))
        nextNumber += 1
        byteCount += bytes.count + Self.overheadBytes
        // Each is moved once for each that is gone.
        if goneCount > 64, goneCount > frames.count / 2 { compact() }
    }

    /// Something is gone for good, which begins where what is held back ends: none of that is left out any more.
    func keepWhatIsThere() { places = [:] }

    private func leaveOut(_ place: Int) {
        guard let frame = frames[place] else { return }
        byteCount -= frame.bytes.count + Self.overheadBytes
        frames[place] = nil
        goneCount += 1
        leftOutCount += 1
    }

    private func compact() {
        frames.removeAll { $0 == nil }
        goneCount = 0
        let known = places
        places = [:]
        for (place, frame) in frames.enumerated() { if let key = frame?.key, known[key] != nil { places[key] = place } }
    }

    /// Something is held back from now on; says when it is to be told, if that was not said before.
    func becomeDue(now: UInt64) -> UInt64? {
        guard dueMilliseconds == nil else { return nil }
        let due = toldMilliseconds.map { max(now, $0 + rate.intervalMilliseconds) } ?? now
        dueMilliseconds = due
        return due
    }

    /// Takes all of it, oldest first, for readers that stand here from now on.
    func take(now: UInt64, standings: [Position]) -> [Frame] {
        defer { (frames, places, byteCount, goneCount, leftOutCount) = ([], [:], 0, 0, 0) }
        self.standings = standings
        toldMilliseconds = now
        dueMilliseconds = nil
        return frames.compactMap(\.self)
    }

    /// What is held back from a reader.
    func rest(of member: SubscriptionSlot) -> [Frame] {
        let start = ahead.first { $0.member == member }?.number ?? 0
        return frames.compactMap { frame in frame.flatMap { $0.number >= start ? $0 : nil } }
    }

    // MARK: Readers that stand further

    func add(ahead member: SubscriptionSlot) { ahead.append((member, nextNumber)) }

    func remove(ahead member: SubscriptionSlot) { ahead.removeAll { $0.member == member } }

    func takeAhead() -> ArraySlice<(member: SubscriptionSlot, number: UInt64)> {
        defer { ahead = [] }
        return ahead[...]
    }
}
