internal import Broker

/// A pattern as the uplink sees it: who wants it, and the channels it was found to stand for.
///
/// Thread: owned by the uplink. The node hears a pattern by one subscription, whatever it stands for. Each of its channels has its
/// own chain (`WatchedChannel`), as if it were heard by itself.
final class WatchedPattern {
    let name: ChannelName

    /// Reactors with subscribers, a bit each.
    var reactors: UInt64 = 0

    /// Reactors that still have to be told that it is open.
    var reactorsToOpen: UInt64 = 0

    /// Channels that were found.
    var channels: Set<ChannelName> = []

    /// From when on all that it stands for is heard or found; `nil` while channels are looked for the first time.
    var since: Position?

    /// The search that looks for its channels; 0 while it waits for one.
    var searchNumber: UInt64 = 0

    /// Whether its channels must be read, for they may have been published to in a silence.
    var mustFill = false

    init(_ name: ChannelName) { self.name = name }

    var isOpen: Bool { since != nil }
}
