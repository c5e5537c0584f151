internal import Broker

/// A pub/sub message of a channel: a publication with a header, or anything else, which is a payload and nothing more.
///
/// Form of the header: one byte 0xC0, position, space, previous position, space, one letter for the type, line feed. Where the publication
/// has a key, a space and the key stand behind the letter.
enum RedisMessage {
    case publication(position: Position, previous: Position, kind: Kind, payload: UnsafeRawBufferPointer)
    case plain(UnsafeRawBufferPointer)

    /// What a payload was declared to be, and what it is about.
    struct Kind: Equatable {
        let type: UInt8
        let key: PublicationKey?

        init(type: UInt8, key: UnsafeRawBufferPointer?) {
            self.type = type
            self.key = key.flatMap { PublicationKey(utf8: $0) }
        }

        /// A payload of this kind; a removal of nothing is what its bytes are.
        func payload(_ bytes: UnsafeRawBufferPointer, _ classify: PayloadClassifier) -> Payload {
            if type == PayloadKind.removal.letter, let key { return Payload(removalOf: key) }
            return classify(bytes, PayloadKind(letter: type)).with(key)
        }
    }

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

    /// Two numbers of 64 bits in decimal and what is between them.
    private static let positionCountMax = 41

    /// 1 + two positions + two spaces, type and line feed + a space and a key.
    private static let headerCountMax = 1 + 2 * positionCountMax + 4 + 1 + PublicationKey.byteCountMax

    init(_ bytes: UnsafeRawBufferPointer) {
        self = Self.parse(bytes) ?? .plain(bytes)
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> RedisMessage? {
        guard bytes.first == magic,
            let end = bytes.prefix(headerCountMax).firstIndex(of: UInt8(ascii: "\n")),
            let firstSpace = bytes[..<end].firstIndex(of: UInt8(ascii: " ")),
            let secondSpace = bytes[(firstSpace + 1)..<end].firstIndex(of: UInt8(ascii: " ")),
            firstSpace <= 1 + positionCountMax, secondSpace - firstSpace <= 1 + positionCountMax,
            let position = Position(utf8: bytes[1..<firstSpace]),
            let previous = Position(utf8: bytes[(firstSpace + 1)..<secondSpace]),
            let kind = kind(UnsafeRawBufferPointer(rebasing: bytes[(secondSpace + 1)..<end]))
        else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])
        return .publication(position: position, previous: previous, kind: kind, payload: payload)
    }

    /// A letter, and behind a space the key.
    private static func kind(_ bytes: UnsafeRawBufferPointer) -> Kind? {
        guard let type = bytes.first else { return nil }
        if bytes.count == 1 { return Kind(type: type, key: nil) }
        guard bytes.count > 2, bytes[1] == UInt8(ascii: " ") else { return nil }
        return Kind(type: type, key: UnsafeRawBufferPointer(rebasing: bytes[2...]))
    }
}
