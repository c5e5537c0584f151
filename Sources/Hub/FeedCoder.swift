internal import Wire

/// What one feed is compressed with, and how far that got.
///
/// Thread: owned by one reactor. Its window is on the heap, and only there while the feed is not idle.
final class FeedCoder {
    private var deflater: Deflater?

    /// Bytes that were compressed since the stream last began anew.
    private(set) var bytesSinceFlush = 0

    /// When it last compressed something, in milliseconds.
    var usedMilliseconds: UInt64 = 0

    /// Of all that its readers inflate, where that is the body of an answer.
    var checksum: BodyChecksum?

    /// Messages that are left as they are because some before them did not become smaller, and how many it will be the next time.
    private var leftAloneCount = 0
    private var nextLeftAloneCount = 1
    private static let leftAloneCountMax = 256

    /// Of messages that are compressed each or, if what its readers are sent has a content coding, of a body that is as a whole.
    init(_ coding: ContentCoding?) { checksum = coding.map { BodyChecksum($0) } }

    /// Whether it has what messages may refer to.
    var hasWindow: Bool { deflater != nil }

    /// Takes a window; says whether there was one.
    func take(_ deflater: consuming Deflater?) -> Bool {
        self.deflater = deflater
        bytesSinceFlush = 0
        return hasWindow
    }

    /// Lets go of the window: what follows refers to nothing before it.
    func letGo() { deflater = nil }

    /// Refers to nothing that came before from now on, so that readers may begin here.
    func beginAnew() {
        deflater?.reset()
        bytesSinceFlush = 0
    }

    /// Appends a message that is compressed with those before it, with the tail of its flush.
    func append(_ message: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        deflater?.append(message, to: &output)
        bytesSinceFlush += message.count
    }

    /// Whether the next message is to be left as it is.
    func leavesAlone() -> Bool {
        guard leftAloneCount > 0 else { return false }
        leftAloneCount -= 1
        return true
    }

    /// Learns whether a message became smaller. Pictures and what is encrypted do not: of such it tries one now and then.
    func note(isSmaller: Bool) {
        guard !isSmaller else {
            nextLeftAloneCount = 1
            return
        }
        leftAloneCount = nextLeftAloneCount
        nextLeftAloneCount = min(nextLeftAloneCount * 2, Self.leftAloneCountMax)
    }
}
