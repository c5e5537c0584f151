// Names that stand for all channels of a kind: their last segment is `*`, which is any one segment, or `**`, which is any number of
// them, one at least. Nothing is published under such a name.
extension ChannelName {
    /// Whether it stands for several channels.
    public var isPattern: Bool { isDeepPattern || hasLastSegment("*") }

    /// Whether any number of segments may stand in the place of its last.
    var isDeepPattern: Bool { hasLastSegment("**") }

    private func hasLastSegment(_ segment: StaticString) -> Bool {
        let (bytes, count) = (text.utf8, segment.utf8CodeUnitCount)
        guard bytes.count >= count,
            bytes.suffix(count).elementsEqual(UnsafeBufferPointer(start: segment.utf8Start, count: count))
        else { return false }
        return bytes.count == count || bytes.dropLast(count).last == UInt8(ascii: "/")
    }

    /// Whether a segment before the last stands for others: nothing is found by such a name.
    public var hasMisplacedWildcard: Bool {
        text.utf8.split(separator: UInt8(ascii: "/")).dropLast().contains {
            $0.elementsEqual("*".utf8) || $0.elementsEqual("**".utf8)
        }
    }

    /// What stands before the last segment, with the slash behind it; nothing where that is the only one. Looked for among the
    /// bytes: to a string, a slash with an accent on it is none.
    public var base: Substring {
        text.utf8.lastIndex(of: UInt8(ascii: "/")).map { Substring(text.utf8[...$0]) } ?? ""
    }

    /// Whether it is a pattern, and stands for a channel. Those of the system are found by their own patterns only.
    public func stands(for channel: ChannelName) -> Bool {
        guard isPattern, !channel.isPattern, channel.isSystem == isSystem else { return false }
        let base = base.utf8
        guard channel.text.utf8.starts(with: base) else { return false }
        let rest = channel.text.utf8.dropFirst(base.count)
        return isDeepPattern || !rest.contains(UInt8(ascii: "/"))
    }

    /// The patterns that stand for a channel: two more than it has segments, less the one that would be itself.
    public var patterns: [ChannelName] {
        guard !isPattern else { return [] }
        var all = ["\(base)*", "\(base)**"]
        var rest = base
        while !rest.isEmpty {
            rest = rest.outerBase
            all.append("\(rest)**")
        }
        return all.compactMap { ChannelName($0) }.filter { $0.stands(for: self) }
    }

    /// Whether some channel is meant by both of two names.
    public func overlaps(_ other: ChannelName) -> Bool {
        switch (isPattern, other.isPattern) {
        case (false, false): return self == other
        case (true, false): return stands(for: other)
        case (false, true): return other.stands(for: self)
        case (true, true):
            guard isSystem == other.isSystem else { return false }
            if base.utf8.elementsEqual(other.base.utf8) { return true }
            let (outer, inner) = base.utf8.count < other.base.utf8.count ? (self, other) : (other, self)
            return outer.isDeepPattern && inner.base.utf8.starts(with: outer.base.utf8)
        }
    }
}
