internal import CZlib

/// Inflates a stream piece by piece, as a client does: zlib's own way, which knows nothing of how it was made.
public final class StreamInflater {
    /// What is inflated.
    public enum Format {
        /// A stream of deflate, by a client that keeps so much: 8 to 15 bits.
        case deflate(windowBits: Int32)
        /// With gzip's header, and checked against its trailer.
        case gzip
        /// With zlib's header, by a client that keeps no more than that says, and checked against its trailer.
        case zlib
    }

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// Whether the stream ended as such streams do.
    public private(set) var hasEnded = false

    /// Begins.
    public init(_ format: Format) {
        stream.initialize(to: z_stream())
        // zlib takes the size of the window from the header if it is told zero.
        let bits: Int32 =
            switch format {
            case .deflate(let bits): -bits
            case .gzip: 31
            case .zlib: 0
            }
        let code = czlib_begin_inflate(stream, bits)
        precondition(code == Z_OK, "zlib has memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// What bytes say; `nil` where they are no such stream.
    public func inflate(_ bytes: [UInt8]) -> [UInt8]? {
        var input = bytes
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4_096)
        return input.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            while true {
                let code = room.withUnsafeMutableBufferPointer { room in
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(room.count)
                    return CZlib.inflate(stream, Z_SYNC_FLUSH)
                }
                output += room.prefix(room.count - Int(stream.pointee.avail_out))
                if code == Z_STREAM_END {
                    hasEnded = true
                    return stream.pointee.avail_in == 0 ? output : nil
                }
                guard code == Z_OK || code == Z_BUF_ERROR else { return nil }
                if stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return output }
            }
        }
    }

    /// A WebSocket's message, RFC 7692 §7.2.2.
    public func inflate(message: [UInt8]) -> [UInt8]? { inflate(message + [0, 0, 0xFF, 0xFF]) }
}

/// Compresses as a client does.
public final class StreamDeflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// Begins a stream of deflate.
    public init(windowBits: Int32 = 15) {
        stream.initialize(to: z_stream())
        let code = czlib_begin_deflate(stream, 6, -windowBits, 8)
        precondition(code == Z_OK, "zlib has memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// A WebSocket's message by itself, RFC 7692 §7.2.1.
    public func deflate(message: [UInt8]) -> [UInt8] {
        deflateReset(stream)
        if message.isEmpty { return [0] }
        var input = message
        var output = [UInt8](repeating: 0, count: message.count + message.count / 100 + 64)
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                CZlib.deflate(stream, Z_SYNC_FLUSH)
                return output.count - Int(stream.pointee.avail_out)
            }
        }
        return Array(output.prefix(count - 4))
    }
}
