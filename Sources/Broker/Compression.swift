/// Whether what is published in a channel may be compressed for its readers, and with what.
///
/// Whoever can have a secret compressed together with what he chose himself, and sees how many bytes that makes, can guess the
/// secret letter by letter (BREACH). So nothing is compressed unless a rule says that a channel may be.
public enum Compression: String, CaseIterable, Sendable, Comparable {
    /// Not at all.
    case off
    /// Each message by itself.
    case alone
    /// Each message with those before it, once for all readers.
    case shared

    private var freedom: Int {
        switch self {
        case .off: 0
        case .alone: 1
        case .shared: 2
        }
    }

    /// The one that allows less is less.
    public static func < (one: Compression, other: Compression) -> Bool { one.freedom < other.freedom }
}
