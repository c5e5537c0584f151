/// Where a client's connection stands between its first byte and its last.
///
/// Size: 1 byte. It moves forward only, and may skip what lies between.
public enum LifeCycle: UInt8, Comparable {
    /// It is read and understood, and is sent what is new.
    case open
    /// Nothing more is read or delivered; what waits for it is sent.
    case closing
    /// All was sent and our direction was ended; the end of the peer's is awaited.
    case shut
    /// The socket is closed; the slot is freed at the end of the turn.
    case closed

    /// Which of two comes first.
    public static func < (left: LifeCycle, right: LifeCycle) -> Bool { left.rawValue < right.rawValue }

    /// Moves on to a later stage.
    public mutating func advance(to stage: LifeCycle) {
        assert(stage > self, "a connection that is \(self) does not become \(stage)")
        assert(stage != .shut || self == .closing, "what waits is sent before a direction is ended")
        self = stage
    }
}
