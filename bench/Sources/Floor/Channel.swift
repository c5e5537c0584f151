/// The members of a channel, and the frames that some of them have not been sent.
final class Channel {
    var members: [Int32] = []
    /// Encoded frames not yet sent to everybody.
    var log: [UInt8] = []
    /// How many bytes of the log the members that are up to date have been sent.
    var flushedCount = 0
    var laggardCount = 0
    var isDirty = false

    /// A reader this far behind is dropped: without a bound a stalled reader would make the floor grow for ever.
    static let windowBytes = 64 << 20

    /// Appends one unmasked text frame (RFC 6455 section 5.2).
    func append(_ payload: UnsafeRawBufferPointer) {
        log.append(0x81)
        if payload.count < 126 {
            log.append(UInt8(payload.count))
        } else {
            log.append(126)
            log.append(UInt8(truncatingIfNeeded: payload.count >> 8))
            log.append(UInt8(truncatingIfNeeded: payload.count))
        }
        log.append(contentsOf: payload)
    }

    /// Forgets what everybody has been sent.
    func trim() {
        guard laggardCount == 0, flushedCount == log.count else { return }
        log.removeAll(keepingCapacity: true)
        flushedCount = 0
    }
}
