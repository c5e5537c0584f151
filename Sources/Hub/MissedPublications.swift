internal import Broker
internal import HeapModule

/// What a client missed in several channels: one channel after the other, or oldest first where it reads patterns. So of all channels that
/// a pattern stands for it has everything up to a position, and need not be told of each of them where it stands.
///
/// Thread: owned by one reactor. It holds what the clients that missed the same hold together, and 24 bytes for each channel.
struct MissedPublications {
    /// The oldest of a channel that is left, or the channel alone.
    private struct First: Comparable {
        let position: Position?
        /// The channel's place among the parts of the join.
        let place: Int

        static func < (first: First, second: First) -> Bool {
            (first.position ?? .start, first.place) < (second.position ?? .start, second.place)
        }
    }

    private let isOldestFirst: Bool
    private var firsts: Heap<First>
    private var rests: [ArraySlice<Publication>]

    /// What holds their memory.
    private var pages: [SharedPage?]

    init(_ parts: [JoinPart]) {
        isOldestFirst = parts.contains(where: \.topic.isPattern)
        rests = parts.map(\.replay)
        pages = parts.map(\.page)
        firsts = []
        rebuild()
    }

    var isEmpty: Bool { firsts.isEmpty }

    /// Of what is told oldest first, where the next one is: whoever has what was taken so far has all that came before.
    var nextPosition: Position? { firsts.min?.position }

    mutating func next() -> (publication: Publication, place: Int)? {
        guard let place = firsts.min?.place, let publication = rests[place].popFirst() else { return nil }
        if let following = first(of: place) {
            firsts.replaceMin(with: following)
        } else {
            firsts.removeMin()
            pages[place] = nil
        }
        return (publication, place)
    }

    /// Drops what is left of some channels.
    mutating func drop(where isDropped: (_ place: Int) -> Bool) {
        for place in rests.indices where !rests[place].isEmpty && isDropped(place) {
            rests[place] = []
            pages[place] = nil
        }
        rebuild()
    }

    private func first(of place: Int) -> First? {
        rests[place].first.map { First(position: isOldestFirst ? $0.position : nil, place: place) }
    }

    private mutating func rebuild() { firsts = Heap(rests.indices.compactMap(first)) }
}
