/// Which of several masters has a key: the one of the highest score for the key's tag (rendezvous hashing). So another master takes
/// over an equal part of what each of the others had, and nothing moves between those.
///
/// Whoever publishes straight into Redis has to find the same master, in whatever language: the score is the 64-bit FNV-1a hash of the
/// master's name, a line feed and the tag, mixed once more by the last steps of MurmurHash3, without which scores of names that differ
/// in their last byte alone go up and down together.
struct RedisShardMap {
    /// The hash of each name and the line feed, with which the tag goes on.
    private let starts: [UInt64]

    init(names: [String]) { starts = names.map { Self.hash(Array($0.utf8) + [0x0A], from: Self.offset) } }

    /// The place of the master that has a key.
    func place(of key: String) -> Int {
        guard starts.count > 1 else { return 0 }
        let tag = Self.tag(of: key)
        var best = (place: 0, score: UInt64.min)
        for (place, start) in starts.enumerated() {
            let score = Self.mix(Self.hash(tag, from: start))
            if score > best.score { best = (place, score) }
        }
        return best.place
    }

    /// What decides: as in Redis Cluster what stands in the first braces, or else the whole key. What is told of a channel's presence
    /// is told where the channel is.
    static func tag(of key: String) -> Substring.UTF8View {
        let bytes = key.utf8[...]
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")) else { return Substring(bytes).utf8 }
        let rest = bytes[bytes.index(after: open)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close != rest.startIndex else {
            return Substring(bytes).utf8
        }
        let tag = rest[..<close]
        let presence = "$presence/".utf8
        return Substring(tag.starts(with: presence) ? tag.dropFirst(presence.count) : tag).utf8
    }

    /// Tells apart what masters there were and are to be, whatever order these are named in.
    static func plan(from former: [String], to names: [String]) -> String {
        let text = former.sorted().joined(separator: "\n") + "\n\n" + names.sorted().joined(separator: "\n")
        return String(mix(hash(text.utf8, from: offset)), radix: 36)
    }

    /// Tells one list of masters from another, whatever order they are named in.
    static func mark(of names: [String]) -> String { plan(from: [], to: names) }

    // Source: http://www.isthe.com/chongo/tech/comp/fnv/ (64 bits, 1a), and `fmix64` of MurmurHash3, in the public domain.
    private static let offset: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x100_0000_01B3

    private static func hash(_ bytes: some Sequence<UInt8>, from start: UInt64) -> UInt64 {
        bytes.reduce(start) { ($0 ^ UInt64($1)) &* prime }
    }

    private static func mix(_ hash: UInt64) -> UInt64 {
        var mixed = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ (mixed >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ (mixed >> 33)
    }
}
