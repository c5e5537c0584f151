/// Reads an event stream (Server-Sent Events) piece by piece, as a browser does.
///
/// Bytes are passed on as they came: whoever makes text of them replaces what is not UTF-8. Memory is kept from one
/// event to the next. Source: the HTML standard, section "Server-sent events".
public struct EventStreamDecoder: ~Copyable {
    /// What the bytes said. Pointers are valid until the next call, and as long as the caller's buffer.
    public enum Event {
        /// All bytes are used up.
        case needMore
        /// An event. An empty name means `message`; the id that goes with it is `lastEventID`.
        case event(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer)
        /// How long to wait before reconnecting.
        case retry(milliseconds: UInt64)
        /// A line or an event above the limit. Whatever follows is swallowed.
        case tooBig
    }

    /// Limit of a line, and of the data of an event.
    private let eventBytesMax: Int

    /// The start of a line whose end is not there yet.
    private var line = ByteBuffer()
    private var name = ByteBuffer()
    private var data = ByteBuffer()

    /// The id of the newest `id` line. It counts once its event is complete, so that a torn write is not taken for one.
    private var pendingID = ByteBuffer()
    private var hasPendingID = false
    private var completeID = ByteBuffer()

    private var isFirstLine = true
    private var wasDispatched = false
    private var isFinished = false

    /// Whether the last line ended in CR: an LF right after it belongs to the same line break.
    private var skipsLineFeed = false

    /// Makes a decoder for a new stream.
    public init(eventBytesMax: Int = 1_048_576) {
        self.eventBytesMax = eventBytesMax
    }

    /// The id to resume after: that of the newest complete event that had one. Valid until the next call.
    public var lastEventID: UnsafeRawBufferPointer { completeID.bytes }

    /// Starts over for a new connection: forgets what is incomplete and keeps the last event id.
    public mutating func reset() {
        line.removeAll()
        name.removeAll()
        data.removeAll()
        hasPendingID = false
        isFirstLine = true
        wasDispatched = false
        isFinished = false
        skipsLineFeed = false
    }

    /// Decodes from offset `consumed` of `bytes` to the next event and moves `consumed` behind what was used. Call it
    /// until it needs more; then all bytes are used up.
    public mutating func next(in bytes: UnsafeRawBufferPointer, consumed: inout Int) -> Event {
        if wasDispatched { forgetEvent() }
        while !isFinished, consumed < bytes.count {
            if skipsLineFeed {
                skipsLineFeed = false
                if bytes[consumed] == 0x0A { consumed += 1 }
                continue
            }
            let end = WordScan.firstLineBreak(in: bytes, from: consumed)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[consumed..<end])
            guard piece.count <= eventBytesMax - line.count else { return fail() }
            guard end < bytes.count else {
                line.append(piece)
                break
            }
            consumed = end + 1
            skipsLineFeed = bytes[end] == 0x0D
            if let event = takeLine(endingIn: piece) { return event }
        }
        consumed = bytes.count
        return .needMore
    }

    private mutating func takeLine(endingIn piece: UnsafeRawBufferPointer) -> Event? {
        if line.isEmpty { return take(piece) }
        line.append(piece)
        defer { line.removeAll() }
        return take(line.bytes)
    }

    private mutating func take(_ wholeLine: UnsafeRawBufferPointer) -> Event? {
        var line = wholeLine
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = UnsafeRawBufferPointer(rebasing: line[3...]) }
        }
        if line.isEmpty { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
        var value = UnsafeRawBufferPointer(rebasing: line[min(colon + 1, line.count)...])
        if value.first == 0x20 { value = UnsafeRawBufferPointer(rebasing: value[1...]) }
        return takeField(UnsafeRawBufferPointer(rebasing: line[..<colon]), value)
    }

    private mutating func takeField(_ field: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Event? {
        if Self.isEqual(field, "data") {
            guard value.count < eventBytesMax - data.count else { return fail() }
            data.append(value)
            data.append(0x0A)
        } else if Self.isEqual(field, "id") {
            guard !value.contains(0) else { return nil }
            pendingID.removeAll()
            pendingID.append(value)
            hasPendingID = true
        } else if Self.isEqual(field, "event") {
            name.removeAll()
            name.append(value)
        } else if Self.isEqual(field, "retry"), let milliseconds = Self.decimal(value) {
            return .retry(milliseconds: milliseconds)
        }
        return nil
    }

    /// An empty line: the event is complete. Without any data line it is none, but its id counts.
    private mutating func dispatch() -> Event? {
        if hasPendingID {
            completeID.removeAll()
            completeID.append(pendingID.bytes)
            hasPendingID = false
        }
        guard !data.isEmpty else {
            forgetEvent()
            return nil
        }
        data.truncate(to: data.count - 1)  // the LF after the last line
        wasDispatched = true
        return .event(name: name.bytes, data: data.bytes)
    }

    private mutating func forgetEvent() {
        name.removeAll()
        data.removeAll()
        wasDispatched = false
    }

    private mutating func fail() -> Event {
        isFinished = true
        return .tooBig
    }

    private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        bytes.elementsEqual(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// A number of digits only; nil if it is anything else, or does not fit.
    private static func decimal(_ digits: UnsafeRawBufferPointer) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
