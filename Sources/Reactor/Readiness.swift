/// What a poller watches a descriptor for, and what it found.
///
/// Size: 1 byte.
public struct Readiness: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Makes a set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Bytes, a connection to accept, or the end of the stream can be read.
    public static let read = Readiness(rawValue: 1)

    /// There is room to write.
    public static let write = Readiness(rawValue: 2)

    /// The descriptor failed or both directions are closed. Always watched for.
    public static let failed = Readiness(rawValue: 4)
}
