public import Broker

/// Channels that patterns stand for, of some part of a backplane.
public struct FoundChannels: Sendable {
    /// Each, with its head; one may come twice.
    public let channels: [(name: ChannelName, head: Position)]

    /// When that was, in milliseconds of the clock that makes positions.
    public let milliseconds: UInt64

    /// Whether all were looked through.
    public let isLast: Bool

    /// Makes a part.
    public init(channels: [(name: ChannelName, head: Position)], milliseconds: UInt64, isLast: Bool) {
        self.channels = channels
        self.milliseconds = milliseconds
        self.isLast = isLast
    }
}
