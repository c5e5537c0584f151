internal import Wire

/// What one reactor compresses with: a window for each feed that refers to what came before, as many as there may be, and one for
/// all messages that are compressed by themselves.
///
/// Thread: owned by one reactor.
struct CompressionWindows: ~Copyable {
    /// Windows of feeds that there may be.
    let countMax: Int

    private(set) var count = 0
    private var wide: Deflater?
    private var narrow: Deflater?

    init(countMax: Int) { self.countMax = countMax }

    /// Whether another feed may have one.
    var hasRoom: Bool { count < countMax }

    /// Memory of the feeds' windows.
    var memoryBytes: Int { count * Deflater.memoryBytes(.wide) }

    /// Takes a window for a feed that has none; says whether there is one.
    mutating func give(to coder: FeedCoder) -> Bool {
        assert(!coder.hasWindow, "a feed has one window")
        guard hasRoom, coder.take(Deflater(.wide)) else { return false }
        count += 1
        return true
    }

    /// Takes back what a feed has.
    mutating func takeBack(from coder: FeedCoder) {
        guard coder.hasWindow else { return }
        coder.letGo()
        count -= 1
        assert(count >= 0, "no more is given back than was taken")
    }

    /// Appends a message that is compressed by itself, with the tail of its flush; says whether there was memory for that.
    mutating func appendAlone(
        _ message: UnsafeRawBufferPointer,
        isNarrow: Bool,
        to output: inout ByteBuffer
    ) -> Bool {
        if isNarrow {
            if narrow == nil { narrow = Deflater(.narrow) }
            narrow?.reset()
            narrow?.append(message, to: &output)
            return narrow != nil
        }
        if wide == nil { wide = Deflater(.wide) }
        wide?.reset()
        wide?.append(message, to: &output)
        return wide != nil
    }
}
