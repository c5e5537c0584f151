internal import Broker

/// Where a client is: a position for each of its channels.
///
/// A pattern's entry says until when all is there of the channels that have no entry of their own. So what moved longest ago can be let
/// go of, and is, where there are too many of them.
struct Place {
    /// Bytes of a cursor's text at most: what a node gives out is no longer, and proxies let such a line through.
    static let textBytesMax = 12_288

    /// Entries at most, of some 150 bytes each: twice as many as a node tells of one pattern (`channels-per-pattern-max`). Half of them
    /// stay when it is reached.
    static let entryCountMax = 20_000

    private struct Entry {
        var position: Broker.Position
        /// Counts moves: the greater, the later.
        var moved: UInt64
    }

    /// Channels and patterns whose entries stay, whatever there is.
    var kept: Set<ChannelName> {
        didSet { patterns = kept.filter(\.isPattern) }
    }

    /// Those of them that are patterns.
    private var patterns: Set<ChannelName>

    private var entries: [ChannelName: Entry] = [:]
    private var moves: UInt64 = 0

    init(keeping kept: Set<ChannelName> = [], at positions: [ChannelName: Broker.Position] = [:]) {
        self.kept = kept
        patterns = kept.filter(\.isPattern)
        for (channel, position) in positions { set(channel, position) }
    }

    subscript(channel: ChannelName) -> Broker.Position? { entries[channel]?.position }

    /// Until where all is there of a channel: by its own entry, or by that of a pattern.
    func position(in channel: ChannelName) -> Broker.Position? {
        self[channel] ?? patterns.lazy.filter { $0.stands(for: channel) }.compactMap { self[$0] }.first
    }

    /// Moves to a position.
    mutating func set(_ channel: ChannelName, _ position: Broker.Position) {
        moves &+= 1
        entries[channel] = Entry(position: position, moved: moves)
        if entries.count > Self.entryCountMax { letGo { count, _ in count > Self.entryCountMax / 2 } }
    }

    /// Whether an entry is of use: for a channel or a pattern that is kept, or for a channel that such a pattern stands for.
    func isKept(_ channel: ChannelName) -> Bool {
        kept.contains(channel) || patterns.contains { $0.stands(for: channel) }
    }

    /// Lets go of the entries that are of no use.
    mutating func leaveOthers() { entries = entries.filter { isKept($0.key) } }

    /// Takes a cursor as a node tells it.
    mutating func take(_ cursor: Broker.Cursor) {
        for (channel, position) in cursor.positions where entries[channel]?.position != position {
            set(channel, position)
        }
    }

    /// Takes the places of somebody who may have had less. Says whether it went back anywhere.
    mutating func goBack(_ positions: [ChannelName: Broker.Position]) -> Bool {
        var isBehind = false
        for (channel, position) in positions {
            if let own = self[channel] {
                guard position < own else { continue }
                isBehind = true
            }
            set(channel, position)
        }
        return isBehind
    }

    /// As text, no longer than it may be.
    mutating func text() -> String {
        letGo { _, byteCount in byteCount > Self.textBytesMax }
        return Broker.Cursor(entries.mapValues(\.position)).text
    }

    /// Lets go of entries, those first that moved longest ago, while there are too many. Until then all is there, say the patterns that
    /// stand for them from then on.
    private mutating func letGo(while isTooMuch: (_ count: Int, _ byteCount: Int) -> Bool) {
        var byteCount = Broker.Cursor.byteCountMax(of: entries.keys)
        guard isTooMuch(entries.count, byteCount) else { return }
        let others = entries.filter { !kept.contains($0.key) }.sorted { $0.value.moved < $1.value.moved }
        for (channel, entry) in others where isTooMuch(entries.count, byteCount) {
            entries[channel] = nil
            byteCount -= Broker.Cursor.byteCountMax(of: CollectionOfOne(channel))
            for pattern in patterns where pattern.stands(for: channel) {
                guard self[pattern].map({ $0 < entry.position }) ?? true else { continue }
                moves &+= 1
                entries[pattern] = Entry(position: entry.position, moved: moves)
            }
        }
    }
}
