/// Patterns by which many names are looked at: what a name costs depends on its segments and not on how many patterns there are.
public struct PatternSet: Sendable {
    /// All of them, as they were given.
    public let names: [ChannelName]

    /// By what stands before the wildcard: `*`, and `**`.
    private var ends: [Substring: (shallow: ChannelName?, deep: ChannelName?)] = [:]

    /// Makes a set; names that are no patterns stand for nothing.
    public init(_ names: [ChannelName]) {
        self.names = names
        for name in names where name.isPattern {
            if name.isDeepPattern {
                ends[name.base, default: (nil, nil)].deep = name
            } else {
                ends[name.base, default: (nil, nil)].shallow = name
            }
        }
    }

    /// Those that stand for a channel.
    public func standing(for channel: ChannelName) -> [ChannelName] {
        guard !channel.isPattern else { return [] }
        var base = channel.base
        var found = [ends[base]?.shallow, ends[base]?.deep]
        while !base.isEmpty {
            base = base.outerBase
            found.append(ends[base]?.deep)
        }
        return found.compactMap { $0 }.filter { $0.isSystem == channel.isSystem }
    }
}

extension Substring {
    /// What stands before the last segment of a base.
    var outerBase: Substring {
        let before = dropLast()
        return before.lastIndex(of: "/").map { before[...$0] } ?? ""
    }
}
