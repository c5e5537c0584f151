internal import Broker

/// Where a client is: a position for each of its channels.
///
/// A pattern's entry says until when all is there of the channels that have no entry of their own.
struct Place {
    /// Bytes of a cursor's text at most: what a node gives out is no longer, and proxies let such a line through.
    static let textBytesMax = 12_288

    private struct Entry {
        var position: Broker.Position
        /// Counts moves: the greater, the later.
        var moved: UInt64
    }

    private var entries: [ChannelName: Entry] = [:]
    private var moves: UInt64 = 0

    subscript(channel: ChannelName) -> Broker.Position? { entries[channel]?.position }

    /// Moves to a position.
    mutating func set(_ channel: ChannelName, _ position: Broker.Position) {
        moves &+= 1
        entries[channel] = Entry(position: position, moved: moves)
    }

    mutating func remove(_ channel: ChannelName) { entries[channel] = nil }

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

    /// As text. What is too much for that is let go of, but for these channels: what moved longest ago comes first, until then all is
    /// there, say the patterns that stand for it.
    mutating func text(keeping channels: Set<ChannelName>) -> String {
        var byteCount = Broker.Cursor.byteCountMax(of: entries.keys)
        if byteCount > Self.textBytesMax {
            let others = entries.filter { !channels.contains($0.key) }.sorted { $0.value.moved < $1.value.moved }
            let patterns = channels.filter(\.isPattern)
            for (channel, entry) in others where byteCount > Self.textBytesMax {
                entries[channel] = nil
                byteCount -= Broker.Cursor.byteCountMax(of: CollectionOfOne(channel))
                for pattern in patterns where pattern.stands(for: channel) {
                    if self[pattern].map({ $0 < entry.position }) ?? true { set(pattern, entry.position) }
                }
            }
        }
        return Broker.Cursor(entries.mapValues(\.position)).text
    }
}
