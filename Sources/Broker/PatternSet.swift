/// Patterns by which many names are looked at: what a name costs depends on its segments and not on how many patterns there are.
public struct PatternSet: Sendable {
    /// All of them, as they were given.
    public let names: [ChannelName]

    /// By the bytes that stand before the wildcard: `*`, and `**`. Strings of other bytes can be the same to Swift.
    private var ends: [[UInt8]: (shallow: ChannelName?, deep: ChannelName?)] = [:]

    /// Makes a set; names that are no patterns stand for nothing.
    public init(_ names: [ChannelName]) {
        self.names = names
        for name in names where name.isPattern {
            if name.isDeepPattern {
                ends[Array(name.base.utf8), default: (nil, nil)].deep = name
            } else {
                ends[Array(name.base.utf8), default: (nil, nil)].shallow = name
            }
        }
    }

    /// Those that stand for a channel.
    public func standing(for channel: ChannelName) -> [ChannelName] {
        guard !channel.isPattern else { return [] }
        var base = channel.base
        let own = ends[Array(base.utf8)]
        var found = [own?.shallow, own?.deep]
        while !base.isEmpty {
            base = base.outerBase
            found.append(ends[Array(base.utf8)]?.deep)
        }
        return found.compactMap { $0 }.filter { $0.isSystem == channel.isSystem }
    }
}

extension Substring {
    /// What stands before the last segment of a base.
    var outerBase: Substring {
        utf8.dropLast().lastIndex(of: UInt8(ascii: "/")).map { Substring(utf8[...$0]) } ?? ""
    }
}
