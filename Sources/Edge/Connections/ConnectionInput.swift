internal import Hub
internal import Wire

/// The bytes of a request or a message that is not whole yet, or whose turn has not come, and how far they were understood.
///
/// Thread: owned by one reactor. An idle connection has none (invariant I4).
final class ConnectionInput {
    /// Received; the first `used` of them are used up.
    private var bytes: [UInt8] = [] {
        didSet { count(bytes.capacity) }
    }
    private var used = 0

    private let held: HeldMemory
    private var countedBytes = 0

    init(_ held: HeldMemory) { self.held = held }

    deinit { held.inputBytes -= countedBytes + (commands?.bytes.count ?? 0) }

    private func count(_ capacity: Int) {
        held.inputBytes += capacity - countedBytes
        countedBytes = capacity
    }

    /// Search for the end of the head that the bytes begin with.
    var scanner = HTTPHeadScanner()

    /// The head that the bytes begin with, once it is whole; its ranges are in what is lent. It is read once, and not with each
    /// piece of the body.
    var head: HTTPRequestHead?

    /// Set once the head says that a chunked body follows.
    var chunked: ChunkedBody?

    /// The body of publications that the bytes are of, once its head is used up.
    var lines: PublicationLines?

    /// Commands of a WebSocket's message that wait until its client's budget is enough for them; in front of the bytes.
    var commands: UnfinishedCommands? {
        didSet { held.inputBytes += (commands?.bytes.count ?? 0) - (oldValue?.bytes.count ?? 0) }
    }

    /// Whether nothing is begun that goes on with what comes.
    var isBetweenRequests: Bool { count == 0 && chunked == nil && lines == nil && commands == nil }

    /// Whether it is there only because more may come.
    var holdsNothing: Bool { count == 0 && chunked == nil && lines.map { !$0.isMidLine } ?? false }

    /// Whether the client was told to go on with its body.
    var wasContinued = false

    /// A chunked body on its way in.
    final class ChunkedBody {
        var decoder = HTTPChunkedDecoder()
        var body = ByteBuffer()
        /// Bytes behind the head that the decoder has seen.
        var decodedCount = 0
    }

    /// Bytes that wait to be understood.
    var count: Int { bytes.count - used }

    /// Appends what was received. An array that grows by itself doubles; its room grows by a quarter here.
    func append(_ received: UnsafeRawBufferPointer) {
        var grown = bytes
        bytes = []
        let needed = grown.count + received.count
        if needed > grown.capacity { grown.reserveCapacity(needed + needed / 4) }
        grown.append(contentsOf: received)
        bytes = grown
    }

    /// Lends what waits to `body`, which says how much of it is used up, and may change it in place. Used bytes are dropped
    /// once they are the greater part: each byte is moved once at most for each that was used.
    func withBytes(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        // Moved out and back, so that nothing copies the array while its bytes are changed in place.
        var lent = bytes
        bytes = []
        used += lent.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[used...])) }
        if used == lent.count {
            lent.removeAll(keepingCapacity: lent.capacity <= Self.keptBytesMax)
            used = 0
        } else if used > lent.count / 2 {
            // bounded: more than half is used, so each byte is moved once at most
            lent.removeFirst(used)
            used = 0
        }
        bytes = lent
    }

    /// Memory that is kept for the next bytes of a connection whose input is used up while it goes on.
    private static let keptBytesMax = 65_536

    /// Gives back the memory of bytes that are used up.
    func release() {
        assert(count == 0, "what is not understood yet is kept")
        bytes = []
        used = 0
    }

    /// Ready for the next request behind the one that was handled.
    func reset() {
        scanner = HTTPHeadScanner()
        head = nil
        chunked = nil
        lines = nil
        wasContinued = false
    }
}

/// What is left of a message with several commands.
struct UnfinishedCommands {
    /// The message from the first of them on.
    let bytes: [UInt8]

    /// Where they are in that.
    let ranges: ArraySlice<Range<Int>>

    /// Takes what is left of a message, whose bytes are not needed before `start`.
    init(_ ranges: ArraySlice<Range<Int>>, of message: UnsafeRawBufferPointer, from start: Int) {
        bytes = Array(message[start...])
        self.ranges = ranges.map { $0.lowerBound - start..<$0.upperBound - start }[...]
    }
}
