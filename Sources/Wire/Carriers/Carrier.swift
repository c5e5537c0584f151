/// How messages travel on a connection. A value, with a file for each: whoever needs to know what one can do asks for a trait,
/// and nobody asks which it is.
///
/// Its functions run once for a publication and a feed, and never for a delivery.
public struct Carrier: Sendable {
    /// What a carrier can do.
    public struct Traits: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8

        /// Makes a set from its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Its client can say more once it is open: commands, answers to pings, a last word. Each channel has a feed of its own.
        public static let isTwoWay = Traits(rawValue: 1)
        /// All channels come in one feed, in the body of one answer.
        public static let isStream = Traits(rawValue: 2)
        /// All that there is to tell comes in one answer, which is the end of it.
        public static let isOneAnswer = Traits(rawValue: 4)
        /// A message has an id and a name beside its data, so they can be told to who wants payloads only; and its client keeps
        /// the last id by itself.
        public static let hasFields = Traits(rawValue: 8)
        /// Bytes that are no text can be carried as they are.
        public static let takesBinary = Traits(rawValue: 16)
        /// What it carries is JSON, also where payloads only are wanted.
        public static let takesJSONOnly = Traits(rawValue: 32)
        /// Its client keeps all that it was sent, so it gets a new one now and then.
        public static let isRenewed = Traits(rawValue: 64)
        /// What it carries is a script of a page, which calls a function that the client names.
        public static let isScript = Traits(rawValue: 128)
    }

    /// What a message's data are.
    public enum Content: Sendable {
        /// An object of JSON that may be added to.
        case envelope
        /// Any value of JSON, on one line.
        case json
        /// UTF-8.
        case text
        /// Any bytes.
        case bytes
    }

    /// One message to be carried.
    public struct Message {
        /// What it is about, if it is not a publication.
        public let name: StaticString?

        /// What it says.
        public let data: UnsafeRawBufferPointer

        /// What that is.
        public let content: Content

        /// Where its client stands once it has it.
        public let cursor: UnsafeRawBufferPointer?

        /// Makes a message.
        public init(
            name: StaticString?,
            data: UnsafeRawBufferPointer,
            content: Content,
            cursor: UnsafeRawBufferPointer? = nil
        ) {
            self.name = name
            self.data = data
            self.content = content
            self.cursor = cursor
        }
    }

    /// What a client wants of its carrier.
    public struct Wishes: Sendable {
        /// Bytes that stand before the first message, for clients that hold back the first they get.
        public var paddingCount = 0
        /// The function that is called with each message.
        public var callback: CallbackName?
        /// The site of the page that has it in a frame, where that is another than the node's.
        public var page: String?
        /// When it comes back once it ended, in milliseconds, if that is not drawn.
        public var retryMilliseconds: UInt64?

        /// None.
        public init() {}
    }

    /// What presence and metrics call it.
    public let name: StaticString

    /// What it can do.
    public let traits: Traits

    /// The type of its body, if it has one.
    public let contentType: String?

    /// What is sent where nothing else was. One that is two-way is pinged instead.
    public let heartbeat: StaticString?

    /// Appends fields of the answer's head. `pages` are the sites whose pages may have it in a frame, as sources of a
    /// Content-Security-Policy.
    public let head: @Sendable (_ pages: String, inout ByteBuffer) -> Void

    /// Appends what stands before the first message, which includes how long the client waits before it comes back.
    public let start: @Sendable (_ retryMilliseconds: UInt64, Wishes, inout ByteBuffer) -> Void

    /// Appends one message.
    public let message: @Sendable (Message, inout ByteBuffer) -> Void

    /// Appends what stands behind the last message: why it ends, and for a client that keeps the last id and was not told so what
    /// that is to be.
    public let end: @Sendable (_ code: UInt16, _ reason: StaticString, _ lastID: String?, inout ByteBuffer) -> Void

    /// Appends the whole of what is carried in one answer, which is JSON.
    public let answer: @Sendable (_ json: UnsafeRawBufferPointer, Wishes, inout ByteBuffer) -> Void

    /// Makes a carrier.
    public init(
        _ name: StaticString,
        _ traits: Traits,
        contentType: String? = nil,
        heartbeat: StaticString? = nil,
        head: @escaping @Sendable (String, inout ByteBuffer) -> Void = { _, _ in },
        start: @escaping @Sendable (UInt64, Wishes, inout ByteBuffer) -> Void = { _, _, _ in },
        message: @escaping @Sendable (Message, inout ByteBuffer) -> Void = { _, _ in },
        end: @escaping @Sendable (UInt16, StaticString, String?, inout ByteBuffer) -> Void = { _, _, _, _ in },
        answer: @escaping @Sendable (UnsafeRawBufferPointer, Wishes, inout ByteBuffer) -> Void = { _, _, _ in }
    ) {
        self.name = name
        self.traits = traits
        self.contentType = contentType
        self.heartbeat = heartbeat
        self.head = head
        self.start = start
        self.message = message
        self.end = end
        self.answer = answer
    }
}

/// Names a carrier.
///
/// Size: 1 byte.
public struct CarrierID: Hashable, Sendable {
    /// Its place among all carriers.
    public let number: UInt8

    private init(_ number: UInt8) { self.number = number }

    /// A WebSocket.
    public static let webSocket = CarrierID(0)
    /// An event stream.
    public static let eventStream = CarrierID(1)
    /// A stream of JSON lines.
    public static let jsonStream = CarrierID(2)
    /// One answer, when there is something to tell.
    public static let poll = CarrierID(3)
    /// A document that is replaced with each message.
    public static let multipart = CarrierID(4)
    /// A page that never ends, in a frame of another.
    public static let frame = CarrierID(5)
    /// A script in a page, which is one answer.
    public static let jsonp = CarrierID(6)

    /// All there are.
    public static let all: [CarrierID] = [.webSocket, .eventStream, .jsonStream, .poll, .multipart, .frame, .jsonp]

    private static let carriers: [Carrier] = [
        .webSocket, .eventStream, .jsonStream, .poll, .multipart, .frame, .jsonp,
    ]
    private static let allTraits = carriers.map(\.traits)

    /// What it names.
    public var carrier: Carrier { Self.carriers[Int(number)] }

    /// What that can do.
    public var traits: Carrier.Traits { Self.allTraits[Int(number)] }
}
