internal import Wire

/// The bytes of a request or a message that is not whole yet, and how far it was understood.
///
/// Thread: owned by one reactor. An idle connection has none (invariant I4).
final class ConnectionInput {
    /// Received and not used up.
    var bytes: [UInt8] = []

    /// Search for the end of the head that `bytes` begins with.
    var scanner = HTTPHeadScanner()

    /// Set once the head is whole and says that a chunked body follows.
    var chunked: ChunkedBody?

    /// Whether the client was told to go on with its body.
    var wasContinued = false

    /// A chunked body on its way in.
    final class ChunkedBody {
        var decoder = HTTPChunkedDecoder()
        var body = ByteBuffer()
        /// Bytes behind the head that the decoder has seen.
        var decodedCount = 0
        /// Bytes of head that `bytes` begins with.
        let headCount: Int

        init(headCount: Int) { self.headCount = headCount }
    }

    /// Ready for the next request behind the one that was handled.
    func reset() {
        scanner = HTTPHeadScanner()
        chunked = nil
        wasContinued = false
    }
}
