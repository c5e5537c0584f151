/// What a publication is about, such as a currency pair or a player: where its channel is keyed, a newer one takes the place of an older
/// one with the same key.
public struct PublicationKey: Hashable, Sendable {
    /// Bytes of UTF-8 that a key may have, as an idempotency key.
    public static let byteCountMax = 255

    /// What it must be, for who got it wrong.
    public static let form: StaticString = "must be 1 to 255 bytes of UTF-8 without control characters"

    /// The key as its publisher wrote it.
    public let text: String

    /// Takes a key, or `nil` if it breaks the rules: 1 to 255 bytes, and no control character.
    public init?(_ text: String) {
        guard (1...Self.byteCountMax).contains(text.utf8.count) else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        self.text = text
    }

    /// Takes bytes from outside.
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self.init(text)
    }

    /// Keys are the same if their bytes are, as for Redis, and not if only their characters are.
    public static func == (left: PublicationKey, right: PublicationKey) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Hashes the bytes, as `==` compares them.
    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0xff))
    }
}
