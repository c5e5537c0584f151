/// The name of a channel: 1–255 bytes of UTF-8, `/`-separated segments, none of them empty.
///
/// Names that start with `$` are the system's: nobody else publishes there. Clients may subscribe to what tells them who is present, and
/// who runs the cluster to all others.
public struct ChannelName: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of UTF-8 a name may have.
    public static let byteCountMax = 255

    /// The name as text.
    public let text: String

    /// A hash of the bytes, with this process' secret seed: a name is made once and looked up many times.
    let digest: Int

    /// Takes a name, or `nil` if it breaks the rules: empty, too long, an empty segment, or a control character.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...Self.byteCountMax).contains(bytes.count) else { return nil }
        var previous = UInt8(ascii: "/")
        for byte in bytes {
            if byte < 0x20 || byte == 0x7f { return nil }
            if byte == UInt8(ascii: "/"), previous == byte { return nil }
            previous = byte
        }
        guard previous != UInt8(ascii: "/") else { return nil }
        self.text = text
        digest = Self.digest(of: text)
    }

    private static func digest(of text: String) -> Int {
        var hasher = Hasher()
        let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
        return hasher.finalize()
    }

    /// Whether only the system publishes here.
    public var isSystem: Bool { text.utf8.first == UInt8(ascii: "$") }

    /// The channel in which each node says how it is, while somebody listens.
    public static let nodes = ChannelName("$nodes")!  // bounded: it is a name

    /// Whether only who runs the cluster may read it: all of the system's but those that tell who is subscribed to another.
    public var isForOperators: Bool { isSystem && presenceSubject == nil }

    /// The name itself.
    public var description: String { text }

    /// Names are the same if their bytes are, as for Redis. Strings alone are the same if their characters are, `é` in one
    /// code point or in two; those differ in their digests.
    public static func == (left: ChannelName, right: ChannelName) -> Bool {
        left.digest == right.digest && left.text == right.text
    }

    /// Hashes the bytes, as `==` compares them.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}
