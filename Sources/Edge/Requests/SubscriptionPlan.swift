internal import Broker
internal import Wire

/// What a request for a WebSocket or a stream asks to be subscribed to.
struct SubscriptionPlan {
    /// Each once, sorted by name, with the position to resume from if the cursor has one.
    private(set) var channels: [(name: ChannelName, since: Position?)]

    /// Where the client says it stands, also in channels that it does not name.
    let cursor: Cursor?

    /// Where it stands in channels that patterns of it stand for.
    var entries: [ChannelName: Position] { cursor?.positions ?? [:] }

    /// What is asked for by way of a session.
    let session: SessionChoice

    /// How often it is told of its channels, at most.
    private(set) var pace: Pace

    /// What messages look like.
    let dialect: DialectID

    /// Reads `channel`, `cursor` and `format`; on an event stream `Last-Event-ID` is the cursor of a browser that
    /// reconnects, and newer than the one in the address.
    init(_ request: borrowing HTTPRequest, limits: Limits) throws(HTTPRejection) {
        var names: [ChannelName] = []
        for text in try request.parameters("channel") {
            guard let name = ChannelName(text) else {
                throw HTTPRejection(status: 400, field: "channel", reason: "not a channel name")
            }
            guard !name.hasMisplacedWildcard else {
                throw HTTPRejection(status: 400, field: "channel", reason: "only the last segment may be a wildcard")
            }
            if !names.contains(name) { names.append(name) }
            guard names.count <= limits.channelsPerConnectionMax else {
                throw HTTPRejection(status: 400, field: "channel", reason: "too many channels")
            }
        }
        guard names.count(where: \.isPattern) <= limits.patternsPerConnectionMax else {
            throw HTTPRejection(status: 400, field: "channel", reason: "too many patterns")
        }
        if names.count > 1 { names.sort { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) } }
        let cursor = try Self.cursor(request)
        self.cursor = cursor
        channels = names.map { ($0, cursor?.positions[$0]) }
        pace = try Self.pace(request)
        session = SessionChoice(try request.parameter("session"))
        switch try request.parameter("format") {
        case nil, "json": dialect = .perseid
        case "raw": dialect = .raw
        default: throw HTTPRejection(status: 400, field: "format", reason: "neither json nor raw")
        }
    }

    /// What a client of Bayeux comes with: the session that it names, or none yet. A browser whose event stream ended says
    /// where it stands.
    init(ofBayeux token: SessionToken?, _ request: borrowing HTTPRequest) throws(HTTPRejection) {
        channels = []
        pace = try Self.pace(request)
        cursor = token == nil ? nil : try Self.cursor(request)
        session = token.map { .known($0) } ?? .declined
        dialect = .bayeux
    }

    /// Its client said with an earlier request that it wants to be told so often.
    mutating func slow(to pace: Pace) { self.pace = self.pace.slower(pace) }

    /// Takes channels that a backend gives its client.
    mutating func add(_ given: [ChannelName]) {
        let new = given.filter { name in !channels.contains { $0.name == name } }
        guard !new.isEmpty else { return }
        channels += Set(new).map { ($0, cursor?.positions[$0]) }
        channels.sort { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
    }

    /// The channels together with those of a session that is resumed, sorted by name. Where the client gives no position
    /// of its own, the session's counts.
    func channels(with known: [SessionPosition]) -> [(name: ChannelName, since: Position?)] {
        if known.isEmpty { return channels }
        var all = channels.map { channel in
            (name: channel.name, since: channel.since ?? known.first { $0.channel == channel.name }?.position)
        }
        for each in known where !channels.contains(where: { $0.name == each.channel }) {
            all.append((each.channel, cursor?.positions[each.channel] ?? each.position))
        }
        return all.sorted { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
    }

    /// Reads `max-rate`.
    static func pace(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> Pace {
        guard let text = try request.parameter("max-rate") else { return .any }
        guard let rate = MaxRate(text) else {
            throw HTTPRejection(status: 400, field: "max-rate", reason: MaxRate.form)
        }
        return Pace(rate)
    }

    private static func cursor(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> Cursor? {
        if let text = request.text(of: .lastEventID), !text.isEmpty {
            guard let cursor = Cursor(text) else {
                throw HTTPRejection(status: 400, field: "Last-Event-ID", reason: "not a cursor")
            }
            return cursor
        }
        for name in ["lastEventId", "cursor"] as [StaticString] {
            guard let text = try request.parameter(name), !text.isEmpty else { continue }
            guard let cursor = Cursor(text) else {
                throw HTTPRejection(status: 400, field: name, reason: "not a cursor")
            }
            return cursor
        }
        return nil
    }
}
