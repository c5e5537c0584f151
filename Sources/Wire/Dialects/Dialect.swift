/// What a message looks like inside a carrier. A value, with a file for each.
///
/// Its functions run once for a publication and a feed, and never for a delivery.
public struct Dialect: Sendable {
    /// A publication as a dialect is given it. One that is fire-and-forget has no position.
    public struct Publication {
        /// The channel's name, UTF-8.
        public let channel: UnsafeRawBufferPointer
        /// Where it stands.
        public let position: Envelope.Position?
        /// What it is about, where its publisher said so.
        public let key: UnsafeRawBufferPointer?
        /// Whether a newcomer is told what was there before.
        public let isSnapshot: Bool
        /// What it says.
        public let payload: Envelope.Payload

        /// Makes a publication.
        public init(
            channel: UnsafeRawBufferPointer,
            position: Envelope.Position?,
            key: UnsafeRawBufferPointer? = nil,
            isSnapshot: Bool = false,
            payload: Envelope.Payload
        ) {
            self.channel = channel
            self.position = position
            self.key = key
            self.isSnapshot = isSnapshot
            self.payload = payload
        }
    }

    /// Appends a publication for a carrier of such traits; says what that is.
    public let publication: @Sendable (Publication, Carrier.Traits, inout ByteBuffer) -> Carrier.Content

    /// Appends what is not a publication.
    public let control: @Sendable (ControlMessage, inout ByteBuffer) -> Void

    /// Finds the commands in what a client of a two-way carrier says: one or several.
    public let commands:
        @Sendable (_ message: UnsafeRawBufferPointer, _ countMax: Int) throws(ClientCommandError) -> [Range<Int>]

    /// Reads one of them.
    public let command: @Sendable (UnsafeRawBufferPointer) throws(ClientCommandError) -> ClientCommand

    /// Whether what is not a publication is told.
    public let hasControlMessages: Bool
}

/// Names a dialect.
///
/// Size: 1 byte.
public struct DialectID: Hashable, Sendable {
    /// Its place among all dialects.
    public let number: UInt8

    private init(_ number: UInt8) { self.number = number }

    /// Perseid's JSON.
    public static let perseid = DialectID(0)
    /// Payloads only.
    public static let raw = DialectID(1)

    /// Bayeux.
    public static let bayeux = DialectID(2)
    /// Bayeux for those who want to come back from a message of their choice.
    public static let bayeuxReplay = DialectID(3)

    private static let dialects: [Dialect] = [.perseid, .raw, .bayeux, .bayeuxReplay]

    /// What it names.
    public var dialect: Dialect { Self.dialects[Int(number)] }
}
