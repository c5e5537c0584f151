/// What happens to a subscriber that fell further behind than its channel's window; always at a frame boundary.
public enum SlowReaderPolicy: String, Sendable, CaseIterable {
    /// Close with 4008; the client resumes from its cursor.
    case disconnect
    /// Tell it the gap, and go on after the newest publication.
    case skip
    /// Tell it the gap, and go on with the newest publication.
    case latest
    /// Let it go on from history once it reads again: in a keyed channel with the newest of each key that it missed.
    case merge
}

/// How the channels that match a pattern treat slow readers.
public struct ChannelPolicy: Sendable {
    /// Which channels.
    public let pattern: ChannelPattern

    /// What happens past the window.
    public let slowReader: SlowReaderPolicy

    /// The window of these channels in bytes, if not the node's.
    public let windowBytesMax: Int?

    /// Ties a policy to a pattern.
    public init(pattern: ChannelPattern, slowReader: SlowReaderPolicy, windowBytesMax: Int? = nil) {
        self.pattern = pattern
        self.slowReader = slowReader
        self.windowBytesMax = windowBytesMax
    }
}
