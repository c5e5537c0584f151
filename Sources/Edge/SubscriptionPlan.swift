internal import Broker
internal import Wire

/// What a request for a WebSocket or a stream asks to be subscribed to.
struct SubscriptionPlan {
    /// Each once, sorted by name, with the position to resume from if the cursor has one.
    let channels: [(name: ChannelName, since: Position?)]

    /// Payloads only.
    let isRaw: Bool

    /// Reads `channel`, `cursor` and `format`; on an event stream `Last-Event-ID` is the cursor of a browser that
    /// reconnects, and newer than the one in the address.
    init(_ request: borrowing HTTPRequest, limits: Limits) throws(HTTPRejection) {
        var names: [ChannelName] = []
        for text in try request.parameters("channel") {
            guard let name = ChannelName(text) else {
                throw HTTPRejection(status: 400, field: "channel", reason: "not a channel name")
            }
            if !names.contains(name) { names.append(name) }
            guard names.count <= limits.channelsPerConnectionMax else {
                throw HTTPRejection(status: 400, field: "channel", reason: "too many channels")
            }
        }
        if names.count > 1 { names.sort { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) } }
        let cursor = try Self.cursor(request)
        channels = names.map { ($0, cursor?.positions[$0]) }
        switch try request.parameter("format") {
        case nil, "json": isRaw = false
        case "raw": isRaw = true
        default: throw HTTPRejection(status: 400, field: "format", reason: "neither json nor raw")
        }
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
