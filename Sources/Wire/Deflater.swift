internal import CZlib

/// Compresses messages of one stream (RFC 1951), each of which ends at a byte and can be read once it is there.
///
/// Thread: owned by one reactor. Memory: `memoryBytes`, on the heap, for as long as it lives.
public struct Deflater: ~Copyable {
    /// How far back a message can refer, and what finding that costs.
    public enum Window: Sendable {
        /// 8 KiB: 64 KiB of memory brought ticks of 170 bytes down to 22 % of their size; 32 KiB, with 256 KiB of memory, to 21 %;
        /// 4 KiB, with 32 KiB, to 23 %.
        case wide
        /// 250 bytes, which is 512 less what zlib looks ahead: for clients that keep 256 bytes or more.
        case narrow

        /// Base-two logarithm of its bytes, as zlib counts them.
        public var bits: Int32 { self == .wide ? 13 : 9 }

        fileprivate var memoryLevel: Int32 { self == .wide ? 6 : 5 }
    }

    /// What a sync flush ends in, which a WebSocket's message leaves out (RFC 7692 §7.2.1).
    public static let tailBytes = 4

    /// Level 6 takes some 20 µs for a tick and is the last that gains: 1 saved 6 µs and cost 15 % more bytes, 9 gained 1 %.
    private static let level: Int32 = 6

    private let stream: UnsafeMutablePointer<z_stream>

    /// Makes one, or none where the system has no memory for it.
    public init?(_ window: Window) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_begin_deflate(stream, Self.level, -window.bits, window.memoryLevel) == Z_OK else {
            stream.deallocate()
            return nil
        }
        self.stream = stream
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Memory that one takes: zlib says 2^(bits + 2) + 2^(level + 9), and has a structure of some 6 KiB besides.
    public static func memoryBytes(_ window: Window) -> Int {
        (1 << (window.bits + 2)) + (1 << (window.memoryLevel + 9)) + 6_144
    }

    /// Forgets all that was compressed: what follows refers to nothing before it, so a reader may begin here. It writes nothing, for
    /// each message ends at a byte.
    public mutating func reset() { deflateReset(stream) }

    /// Appends a message, compressed, and the tail of its flush.
    public mutating func append(_ message: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        guard message.count > 0 else { return }
        // zlib reads from there and does not say so in its types.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: message.bindMemory(to: UInt8.self).baseAddress
        )
        stream.pointee.avail_in = UInt32(clamping: message.count)
        // The bound is of what is ended, not flushed: a flush adds a block of five bytes, and zlib wants more than six left.
        var room = Int(clamping: deflateBound(stream, UInt(clamping: message.count))) + 16
        repeat {
            output.append(atMost: room) { bytes in
                stream.pointee.next_out = bytes.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(clamping: bytes.count)
                deflate(stream, Z_SYNC_FLUSH)
                // bounded: four bytes each
                return bytes.count - Int(stream.pointee.avail_out)
            }
            room = 256
        } while stream.pointee.avail_out == 0
        stream.pointee.next_in = nil
    }
}
