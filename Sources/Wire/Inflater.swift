internal import CZlib

/// Inflates messages that were compressed by themselves (RFC 7692 §7.2.2).
///
/// Thread: owned by one reactor, and enough for all of its clients, for each message begins anew: they agreed to
/// `client_no_context_takeover`. Memory: 44 KB, on the heap.
public struct Inflater: ~Copyable {
    /// What became of a message.
    public enum Outcome: Equatable, Sendable {
        /// It is whole.
        case whole
        /// It has more bytes than are allowed; it was not inflated beyond them.
        case tooBig
        /// It is no stream of deflate, or not a whole one.
        case invalid
    }

    private static let windowBits: Int32 = 15

    /// Bytes that are inflated at a time: so a message that is one byte costs no room for the largest.
    private static let stepBytes = 16_384

    private let stream: UnsafeMutablePointer<z_stream>

    /// Makes one, or none where the system has no memory for it.
    public init?() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_begin_inflate(stream, -Self.windowBits) == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends what a message's payload was before it was compressed, at most `bytesMax` and one byte of it.
    public mutating func inflate(
        _ payload: UnsafeRawBufferPointer,
        bytesMax: Int,
        to output: inout ByteBuffer
    ) -> Outcome {
        inflateReset(stream)
        let end = output.count + bytesMax
        var hasEnded = false
        if let failure = take(payload, end: end, hasEnded: &hasEnded, to: &output) { return failure }
        // A last block may be the end of a message, too.
        if hasEnded { return .whole }
        var tail: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0xFF, 0xFF)
        let failure = withUnsafeBytes(of: &tail) { take($0, end: end, hasEnded: &hasEnded, to: &output) }
        if let failure { return failure }
        return isBetweenBlocks ? .whole : .invalid
    }

    /// Between two blocks, and no bit of the next one is there: zlib tells both in one number.
    private var isBetweenBlocks: Bool { stream.pointee.data_type & 0xFF == 128 }

    /// Takes a run of a message's bytes. A block may be marked as the last one and be followed by others all the same.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        end: Int,
        hasEnded: inout Bool,
        to output: inout ByteBuffer
    ) -> Outcome? {
        guard bytes.count > 0 else { return nil }
        // zlib reads from there and does not say so in its types.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(clamping: bytes.count)
        while true {
            if output.count > end { return .tooBig }
            var code = Z_OK
            output.append(atMost: min(Self.stepBytes, end + 1 - output.count)) { room in
                stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(clamping: room.count)
                code = CZlib.inflate(stream, Z_SYNC_FLUSH)
                // bounded: four bytes each
                return room.count - Int(stream.pointee.avail_out)
            }
            hasEnded = code == Z_STREAM_END
            if hasEnded { inflateReset(stream) }
            // It says that there is nothing to do where a run of bytes ends just so.
            guard hasEnded || code == Z_OK || code == Z_BUF_ERROR else { return .invalid }
            // Room that was filled may not have been enough for what is known already.
            if stream.pointee.avail_in == 0, hasEnded || stream.pointee.avail_out > 0 { break }
        }
        return output.count > end ? .tooBig : nil
    }
}
