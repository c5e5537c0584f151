internal import Broker

// What is asked of channels: to publish, and what they remember.

/// Appends a publication to its channel's stream and tells all who hear it.
struct RedisPublish: RedisCommand {
    let request: PublishRequest

    var lane: RedisLane.Kind { .publish }
    var orderedChannel: ChannelName? { request.channel }
    var replicasMin: Int { request.replicasMin }

    var carriedBytes: Int {
        RedisCommandBytes.of(argument: request.payload.bytes.count)
            + RedisCommandBytes.of(argument: request.idempotencyKey?.utf8.count ?? 0)
            + RedisCommandBytes.of(argument: request.payload.key?.text.utf8.count ?? 0)
    }

    func key(_ keys: RedisKeys) -> String { keys.channel(request.channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        var options = context.historyOptions(request.history, isKeyed: request.isKeyed)
        if let key = request.payload.key { options += ["KEY", .text(key.text)] }
        if let key = request.idempotencyKey {
            options += ["ONCE", .text(key), "ONCETTL", .number(context.limits.idempotencyMilliseconds)]
        }
        let key = key(context.keys)
        let once = request.idempotencyKey.map { context.keys.once(key, $0) }
        let others = context.isClustered ? others(than: key, once) : []
        buffer.begin(argumentCount: 7 + others.count + options.count)
        buffer.append(word: "FCALL")
        buffer.append(word: "perseid_publish")
        buffer.append(.text(String(1 + others.count)))
        buffer.append(.text(key))
        for other in others { buffer.append(.text(other)) }
        buffer.append(shared: request.payload.bytes)
        buffer.append(word: "TYPE")
        buffer.append(word: request.payload.kind.name)
        for option in options { buffer.append(option) }
    }

    /// The other keys that it touches. Of one that is not there no master can say, while its slot is half-way, that it is not at the other
    /// one: so none is named that is not needed.
    private func others(than key: String, _ once: String?) -> [String] {
        [key + ":head"] + (request.isKeyed ? [key + ":keys"] : []) + (once.map { [$0] } ?? [])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Position {
        guard let position = reply.position else { throw RedisNonsense(kind: "position", what: reply.text) }
        return position
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Position, BackplaneFailure>) {
        delegate.published(request.ticket, outcome)
    }
}

/// Reads what a channel remembers: what follows a position, or the newest.
struct RedisRead: RedisCommand {
    let channel: ChannelName
    let since: Position?
    let countMax: Int
    let bytesMax: Int
    let purpose: ReadPurpose

    var lane: RedisLane.Kind {
        switch purpose {
        case .fill, .recover: .read
        case .open: .opening
        case .request: .question
        }
    }

    var isFill: Bool { if case .fill = purpose { true } else { false } }

    var openedChannel: ChannelName? { if case .open = purpose { channel } else { nil } }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let since = RedisArgument.text(since?.description ?? "")
        buffer.append(
            ask: "perseid_history",
            keys: context.touched(key(context.keys), [":head"]),
            [since, .text(String(countMax)), .text(String(bytesMax))]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> HistoryPage {
        guard reply.count > 0, let head = reply[0].position else {
            throw RedisNonsense(kind: "head", what: reply.count > 0 ? reply[0].text : "")
        }
        var publications: [Publication] = []
        var floor: Position?
        var beginsAnew = false
        var breaks: [HistoryBreak] = []
        for index in 1..<reply.count {
            let entry = reply[index]
            if entry.count == 1 || entry.count == 2, let position = entry[0].position {
                floor = position
                if entry.count == 2 {
                    beginsAnew = entry[1].text == Self.anewMark
                    breaks = Self.breaks(entry[1].text)
                }
                continue
            }
            guard entry.count == 4 || entry.count == 5, let position = entry[0].position,
                let previous = entry[1].position
            else {
                // Left out, so the chain tells what is missing.
                if entry.text != Self.moreMark {
                    let what = entry.count > 1 ? entry[1].text : entry.text
                    context.complain(RedisNonsense(kind: "entry", what: what).description)
                }
                continue
            }
            let kind = RedisMessage.Kind(
                type: entry[2].bytes.first ?? 0,
                key: entry.count == 5 ? entry[4].bytes : nil
            )
            let payload = kind.payload(entry[3].bytes, context.classify)
            publications.append(Publication(position: position, previous: previous, payload: payload))
        }
        let hasMore = reply[reply.count - 1].text == Self.moreMark
        return HistoryPage(
            since: since,
            publications: publications,
            head: head,
            hasMore: hasMore,
            floor: floor,
            beginsAnew: beginsAnew,
            breaks: breaks
        )
    }

    /// Stands where the position that was asked about is lost.
    private static let anewMark = "anew"

    /// Pairs of positions, as in `1-0/5-0 7-0/9-0`; nothing of what is none.
    private static func breaks(_ text: String) -> [HistoryBreak] {
        text.split(separator: " ").compactMap { pair in
            let positions = pair.split(separator: "/").compactMap { Position(String($0)) }
            return positions.count == 2 ? HistoryBreak(previous: positions[0], position: positions[1]) : nil
        }
    }

    /// Stands behind the entries of a history that had no room for all.
    private static let moreMark = "more"

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<HistoryPage, BackplaneFailure>) {
        delegate.read(channel, for: purpose, since: since, outcome)
    }
}

/// Tells a payload to those who hear a channel now; answered with how many nodes that are. A payload without a header is one without a
/// position.
struct RedisTell: RedisCommand {
    let channel: ChannelName
    let payload: Payload

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { RedisCommandBytes.of(argument: payload.bytes.count) }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(call: "perseid_tell", key(context.keys), [.bytes(payload.bytes)])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Int { reply.integer }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Int, BackplaneFailure>) {
        delegate.told(channel, outcome)
    }
}

extension RedisCommand where Self == RedisPublish {
    static func publish(_ request: PublishRequest) -> RedisPublish { RedisPublish(request: request) }
}

extension RedisCommand where Self == RedisRead {
    static func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        _ purpose: ReadPurpose
    ) -> RedisRead {
        RedisRead(channel: channel, since: since, countMax: countMax, bytesMax: bytesMax, purpose: purpose)
    }
}
