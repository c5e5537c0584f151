internal import Reactor

/// How far the peer of a blocked connection has come, and since when: it is dead, or does as if, when it takes next to
/// nothing within the limit on stalls. A byte now and then does not help it.
///
/// Thread: owned by one reactor. Size: 8 bytes.
struct Stall {
    /// How often within the limit it is looked at.
    static let looksPerLimit: UInt64 = 4

    /// The tick from which on it is measured.
    let sinceTick: Tick

    /// Bytes that the peer's system had acknowledged then, modulo 2^32.
    let acknowledgedBytes: UInt32
}
