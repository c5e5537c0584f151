internal import Broker

/// A pub/sub message of a channel: a publication with a header, or anything else, which is a payload and nothing more.
///
/// Form of the header: one byte 0xC0, position, space, previous position, space, one letter for the type, line feed.
enum RedisMessage {
    case publication(position: Position, previous: Position, type: UInt8, payload: UnsafeRawBufferPointer)
    case plain(UnsafeRawBufferPointer)

    /// The key of the channel that a message under a pattern is of, and what that channel's readers got; `nil` if it is none.
    ///
    /// Form: one byte 0xC1, with which no UTF-8 text begins, either; the key; a line feed; the message.
    static func ofPattern(_ bytes: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, message: UnsafeRawBufferPointer
    )? {
        guard bytes.first == 0xc1, let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return (UnsafeRawBufferPointer(rebasing: bytes[1..<end]), UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
    }

    /// No UTF-8 text begins with this byte, so no text is taken for a publication.
    private static let magic: UInt8 = 0xc0

    /// 1 + two positions of at most 41 bytes + two spaces, type and line feed.
    private static let headerCountMax = 1 + 2 * 41 + 4

    init(_ bytes: UnsafeRawBufferPointer) {
        self = Self.parse(bytes) ?? .plain(bytes)
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> RedisMessage? {
        guard bytes.first == magic,
            let end = bytes.prefix(headerCountMax).firstIndex(of: UInt8(ascii: "\n")),
            let firstSpace = bytes[..<end].firstIndex(of: UInt8(ascii: " ")),
            let lastSpace = bytes[..<end].lastIndex(of: UInt8(ascii: " ")),
            firstSpace < lastSpace, lastSpace + 2 == end,
            let position = Position(utf8: bytes[1..<firstSpace]),
            let previous = Position(utf8: bytes[(firstSpace + 1)..<lastSpace])
        else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])
        return .publication(position: position, previous: previous, type: bytes[lastSpace + 1], payload: payload)
    }
}
