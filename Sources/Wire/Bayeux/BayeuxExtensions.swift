/// What a message says in `ext`, of what is understood here.
public struct BayeuxExtensions: Sendable {
    /// Whether the client wants its messages acknowledged (extension `ack`); in a handshake.
    public private(set) var wantsAck = false

    /// The number of the last connect reply that it has; in a connect.
    public private(set) var ack: Int64?

    /// Its clock (extension `timesync`).
    public private(set) var clock: BayeuxClock?

    /// Whether it wants to be told with each message from where on it may come back (extension `replay`); in a handshake.
    public private(set) var wantsReplay = false

    /// From where on it wants each channel; in a subscribe.
    public private(set) var replayFrom: [String: BayeuxReplay] = [:]

    /// How often it wants to be told of each channel, as its own number, or whatever else it wrote there; in a handshake.
    public private(set) var maxRate: String?

    /// A token that it shows.
    public private(set) var token: String?

    init() {}

    /// Reads the object; `nil` if it is none.
    init?(_ raw: UnsafeRawBufferPointer) {
        guard let fields = JSONFields(raw, ["ack", "timesync", "replay", "token", "authentication", "max-rate"])
        else { return nil }
        if let ack = fields[0] {
            self.ack = ack.jsonInteger
            wantsAck = ack.isJSONTrue || JSONFields(ack, ["enabled"])?[0]?.isJSONTrue ?? false
        }
        clock = fields[1].flatMap { BayeuxClock($0) }
        if let replay = fields[2] {
            wantsReplay = replay.isJSONTrue
            replayFrom = BayeuxReplay.read(replay)
        }
        maxRate = fields[5].map { String(decoding: $0, as: UTF8.self) }
        token = fields[3]?.jsonString ?? fields[4].flatMap { JSONFields($0, ["token"]) }?[0]?.jsonString
    }
}

/// From where on a client wants a channel, as Salesforce's clients say it (extension `replay`).
public enum BayeuxReplay: Equatable, Sendable {
    /// What comes from now on: -1.
    case new
    /// All that is remembered: -2.
    case all
    /// What follows a message, by the number that came with it.
    case after(Envelope.Position)

    /// Bits of a number that are for messages of one millisecond. Both together have 53 until the year 2039, which is what
    /// JavaScript counts exactly.
    private static let sequenceBits: UInt64 = 12

    /// The number of a message. Of more than 4,096 in a millisecond the last ones share one; who comes back with it gets some
    /// twice, and misses none.
    public static func number(of position: Envelope.Position) -> UInt64 {
        let sequenceMax: UInt64 = 1 << sequenceBits - 1
        return position.milliseconds << sequenceBits | min(position.sequence, sequenceMax)
    }

    init(_ number: Int64) {
        switch number {
        case -1: self = .new
        case ..<0: self = .all
        default:
            let number = UInt64(number)
            self = .after((number >> Self.sequenceBits, number & (1 << Self.sequenceBits - 1)))
        }
    }

    /// Two are the same if they begin at the same message.
    public static func == (left: BayeuxReplay, right: BayeuxReplay) -> Bool {
        switch (left, right) {
        case (.new, .new), (.all, .all): true
        case (.after(let left), .after(let right)): left == right
        default: false
        }
    }

    /// An object whose names are channels.
    static func read(_ raw: UnsafeRawBufferPointer) -> [String: BayeuxReplay] {
        guard let members = JSONText.members(of: raw, countMax: 128) else { return [:] }
        var all: [String: BayeuxReplay] = [:]
        for (name, value) in members {
            let text = UnsafeRawBufferPointer(rebasing: raw[value])
            if let number = text.jsonInteger ?? text.jsonString.flatMap({ Int64($0) }) {
                all[name] = BayeuxReplay(number)
            }
        }
        return all
    }
}

/// A client's clock, and what it knows of the server's (extension `timesync`).
public struct BayeuxClock: Sendable {
    /// Its clock as it sent the message, in milliseconds.
    let client: Double
    /// How long it takes for a message to come here, as far as it knows.
    let lag: Double?
    /// How much later it is here.
    let offset: Double

    init?(_ raw: UnsafeRawBufferPointer) {
        guard let fields = JSONFields(raw, ["tc", "l", "o"]), let client = fields[0].flatMap(Self.time) else {
            return nil
        }
        self.client = client
        lag = fields[1].flatMap(Self.time)
        offset = fields[2].flatMap(Self.time) ?? 0
    }

    /// A time that JavaScript counts exactly. What is beyond it is no clock's, and what becomes of it is no number of JSON.
    private static func time(_ raw: UnsafeRawBufferPointer) -> Double? {
        raw.jsonNumber.flatMap { abs($0) <= 9_007_199_254_740_992 ? $0 : nil }
    }

    /// How far what it knows is off, above which it is told, in milliseconds.
    private static let accuracyMax = 25.0

    /// Appends the answer, if it needs one: `ts` when the message came, `p` for how long it was held, `a` how far it is off.
    func append(receivedMilliseconds: UInt64, sentMilliseconds: UInt64, to buffer: inout ByteBuffer) {
        let received = Double(receivedMilliseconds)
        var accuracy: Double?
        if let lag {
            let off = client + offset + lag - received
            guard lag == 0 || abs(off) >= Self.accuracyMax else { return }
            accuracy = off
        }
        buffer.append("\"timesync\":{\"tc\":")
        buffer.append(utf8: Self.text(client))
        buffer.append(",\"ts\":")
        buffer.append(decimal: receivedMilliseconds)
        buffer.append(",\"p\":")
        buffer.append(decimal: sentMilliseconds > receivedMilliseconds ? sentMilliseconds - receivedMilliseconds : 0)
        if let accuracy {
            buffer.append(",\"a\":")
            buffer.append(utf8: Self.text(accuracy))
        }
        buffer.append("}")
    }

    private static func text(_ number: Double) -> String {
        number.rounded() == number && abs(number) < 9_007_199_254_740_992 ? "\(Int64(number))" : "\(number)"
    }
}
