/// The mask over the payload of every client frame.
///
/// Source: RFC 6455 section 5.3. A mask is a number in network order: its most significant byte goes over the first
/// byte of the payload.
enum WebSocketMask {
    /// Masks bytes in place, or unmasks them: it is the same.
    static func apply(_ mask: UInt32, to bytes: UnsafeMutableRawBufferPointer) {
        guard mask != 0, let base = bytes.baseAddress else { return }
        // In memory order, so that words can be combined as they lie, whatever the byte order of the machine.
        let pattern = UInt64(mask.bigEndian)
        let word = pattern | pattern << 32
        var offset = 0
        while bytes.count - offset >= 8 {
            let masked = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ word
            base.storeBytes(of: masked, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        // What is left starts at a multiple of eight, so at the first byte of the mask again.
        var rest = mask
        while offset < bytes.count {
            rest = rest << 8 | rest >> 24
            bytes[offset] ^= UInt8(truncatingIfNeeded: rest)
            offset += 1
        }
    }
}
