/// One question to one node: by whom, and by which number it is answered.
public struct ClusterCall: Sendable, Hashable {
    /// The node that asks.
    public let asker: String

    /// Its number there.
    public let number: UInt64

    /// Makes one.
    public init(asker: String, number: UInt64) {
        self.asker = asker
        self.number = number
    }
}
