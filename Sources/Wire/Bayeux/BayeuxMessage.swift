/// One message of a client of Bayeux: what it asks for, or what is wrong with it.
///
/// A value of its own, for its bytes are gone before it is answered. Unknown fields are passed over.
public struct BayeuxMessage: Sendable {
    /// What a client asks for.
    public enum Request: Sendable {
        case handshake(BayeuxHandshake)
        case connect(BayeuxConnect)
        /// Perseid's names or patterns; what is left out of them is for services, of which nothing is kept.
        case subscribe([Subscription])
        case unsubscribe([Subscription])
        case disconnect
        /// A channel, and JSON on one line.
        case publish(channel: String, data: [UInt8])
        /// For a service, by Perseid's name, with JSON on one line if there is any.
        case service(channel: String, data: [UInt8]?)
        /// What it asks for cannot be, and why.
        case faulty(BayeuxFault)
    }

    /// One of the channels that a client wants to have, or no longer.
    public struct Subscription: Sendable {
        /// Perseid's name or pattern.
        public let name: String
        /// Whether it is a pattern.
        public let isPattern: Bool
        /// From where on, as the extension `replay` says it.
        public let replay: BayeuxReplay?
    }

    /// Most bytes of an `id`, quotes included: it is echoed.
    public static let idBytesMax = 128

    /// As the client wrote it; `nil` where it is no text.
    public let channel: String?

    /// The client's own JSON, echoed.
    public let id: [UInt8]?

    /// Whose session it is about.
    public let clientID: String?

    /// The client's own JSON, echoed.
    public let subscription: [UInt8]?

    /// A token that it shows by the extension `token` or `authentication`.
    public let token: String?

    /// What it asks for.
    public let request: Request

    private static let names: [StaticString] = [
        "channel", "id", "clientId", "subscription", "data", "ext", "version", "minimumVersion",
        "supportedConnectionTypes", "connectionType", "advice",
    ]

    /// Reads a message; `nil` if it is not one object.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard let fields = JSONFields(bytes, Self.names) else { return nil }
        channel = fields[0]?.jsonString
        let id = fields[1]
        let isID = id.map { $0.count <= Self.idBytesMax && ($0.jsonString != nil || $0.jsonNumber != nil) } ?? true
        self.id = isID ? id.map { Array($0) } : nil
        clientID = fields[2]?.jsonString
        subscription = fields[3].map { Array($0) }
        let ext = fields[5].flatMap { BayeuxExtensions($0) }
        token = ext?.token
        guard isID else {
            request = .faulty(.wrongType("id"))
            return
        }
        do throws(BayeuxFault) {
            if fields[2] != nil, clientID == nil { throw .wrongType("clientId") }
            if fields[5] != nil, ext == nil { throw .wrongType("ext") }
            request = try Self.request(channel, fields, ext)
        } catch {
            request = .faulty(error)
        }
    }

    private static func request(
        _ channel: String?,
        _ fields: JSONFields,
        _ ext: BayeuxExtensions?
    ) throws(BayeuxFault) -> Request {
        guard let channel else { throw fields[0] == nil ? .missing("channel") : .wrongType("channel") }
        switch BayeuxChannel(channel) {
        case .meta(.handshake):
            return .handshake(try BayeuxHandshake(version: fields[6], minimum: fields[7], types: fields[8], ext))
        case .meta(.connect): return .connect(try BayeuxConnect(type: fields[9], advice: fields[10], ext))
        case .meta(.subscribe): return .subscribe(try subscriptions(fields[3], ext))
        case .meta(.unsubscribe): return .unsubscribe(try subscriptions(fields[3], nil))
        case .meta(.disconnect): return .disconnect
        case .unknownMeta: throw .forbidden(channel)
        case .service:
            guard !channel.hasSuffix("*") else { throw .invalidChannel(channel) }
            return .service(channel: String(channel.dropFirst()), data: fields.raw(4).map(Self.line))
        case .pattern, .invalid: throw .invalidChannel(channel)
        case .broadcast(let name):
            guard let data = fields.raw(4) else { throw .missing("data") }
            return .publish(channel: name, data: line(data))
        }
    }

    private static func line(_ json: UnsafeRawBufferPointer) -> [UInt8] {
        var line = Array(json)
        line.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
        return line
    }

    /// One name or an array of them; all are right, or nothing is done.
    private static func subscriptions(
        _ raw: UnsafeRawBufferPointer?,
        _ ext: BayeuxExtensions?
    ) throws(BayeuxFault) -> [Subscription] {
        guard let raw else { throw .missing("subscription") }
        if let text = raw.jsonString { return try subscription(text, ext).map { [$0] } ?? [] }
        guard let found = JSONText.elements(of: raw, countMax: subscriptionsMax) else {
            throw .wrongType("subscription")
        }
        guard found.count > 0 else { throw .missing("subscription") }
        guard found.count <= subscriptionsMax else { throw .tooMany("") }
        var all: [Subscription] = []
        var names: Set<String> = []
        for range in found.ranges {
            guard let text = UnsafeRawBufferPointer(rebasing: raw[range]).jsonString else {
                throw .wrongType("subscription")
            }
            if let one = try subscription(text, ext), names.insert(one.name).inserted { all.append(one) }
        }
        return all
    }

    /// Names in one message; a connection has fewer channels than that.
    private static let subscriptionsMax = 1_024

    private static func subscription(
        _ text: String,
        _ ext: BayeuxExtensions?
    ) throws(BayeuxFault) -> Subscription? {
        let replay = ext?.replayFrom[text]
        switch BayeuxChannel(text) {
        case .broadcast(let name): return Subscription(name: name, isPattern: false, replay: replay)
        case .pattern(let pattern): return Subscription(name: pattern, isPattern: true, replay: replay)
        case .service: return nil
        case .meta, .unknownMeta: throw .forbidden(text)
        case .invalid: throw .invalidChannel(text)
        }
    }
}

/// What a client says when it comes for the first time.
public struct BayeuxHandshake: Sendable {
    /// What it can, of what there is.
    public let ext: BayeuxExtensions

    /// Ways to connect that are known here.
    public static let connectionTypes: [StaticString] = [
        "websocket", "eventsource", "long-polling", "cross-origin-long-polling", "callback-polling",
    ]

    /// The same as texts.
    static let connectionTypeNames = Set(connectionTypes.map { "\($0)" })

    init(
        version: UnsafeRawBufferPointer?,
        minimum: UnsafeRawBufferPointer?,
        types: UnsafeRawBufferPointer?,
        _ ext: BayeuxExtensions?
    ) throws(BayeuxFault) {
        guard let version else { throw .missing("version") }
        guard let text = version.jsonString else { throw .wrongType("version") }
        guard Self.isSpoken(text) else { throw .version(text) }
        if let minimum {
            guard let least = minimum.jsonString else { throw .wrongType("minimumVersion") }
            guard Self.isSpoken(least) || least.hasPrefix("0") else { throw .version(least) }
        }
        guard let types else { throw .missing("supportedConnectionTypes") }
        guard let found = JSONText.elements(of: types, countMax: 32) else {
            throw .wrongType("supportedConnectionTypes")
        }
        let named = found.ranges.compactMap { UnsafeRawBufferPointer(rebasing: types[$0]).jsonString }
        guard named.contains(where: Self.connectionTypeNames.contains) else {
            throw .connectionTypes(named)
        }
        self.ext = ext ?? BayeuxExtensions()
    }

    /// `1`, `1.0`, `1.0beta` and what else begins so.
    private static func isSpoken(_ version: String) -> Bool {
        version == "1" || version.hasPrefix("1.")
    }
}

/// What a client says when it wants to hear what there is.
public struct BayeuxConnect: Sendable {
    /// How it does.
    public let type: String

    /// How long it wants to be held at most, in milliseconds, if it says so.
    public let timeoutMilliseconds: UInt64?

    /// How long it will be away after the reply, in milliseconds.
    public let awayMilliseconds: UInt64

    /// What it says besides.
    public let ext: BayeuxExtensions

    init(
        type: UnsafeRawBufferPointer?,
        advice: UnsafeRawBufferPointer?,
        _ ext: BayeuxExtensions?
    ) throws(BayeuxFault) {
        guard let type else { throw .missing("connectionType") }
        guard let name = type.jsonString else { throw .wrongType("connectionType") }
        guard BayeuxHandshake.connectionTypeNames.contains(name) else {
            throw .connectionTypes([name])
        }
        self.type = name
        var times: (UInt64?, UInt64?) = (nil, nil)
        if let advice {
            guard let fields = JSONFields(advice, ["timeout", "interval"]) else { throw .wrongType("advice") }
            for place in 0...1 {
                guard let raw = fields[place] else { continue }
                guard let number = raw.jsonNumber else { throw .wrongType("advice") }
                let milliseconds = UInt64(min(max(number, 0), 86_400_000))
                if place == 0 { times.0 = milliseconds } else { times.1 = milliseconds }
            }
        }
        timeoutMilliseconds = times.0
        awayMilliseconds = times.1 ?? 0
        self.ext = ext ?? BayeuxExtensions()
    }
}
