internal import Broker

/// Who reads what comes: the subscriptions of one client, by channel. Each is told every message once, by its position, however often it
/// comes.
///
/// Thread: that of its client.
struct Readers {
    /// One subscription.
    fileprivate struct Reader {
        let channels: [ChannelName]
        let mailbox: Mailbox
        /// What it has had.
        var place: Place
    }

    private var readers: [UInt64: Reader] = [:]
    private var byChannel: [ChannelName: Set<UInt64>] = [:]
    private var patternCount = 0

    /// All channels that somebody reads.
    var channels: Set<ChannelName> { Set(byChannel.keys) }

    /// Whether some loop has not taken what it was given.
    var isFull: Bool { readers.values.contains { $0.mailbox.isFull } }

    /// Takes one in; `since` says what it has had.
    mutating func add(
        _ id: UInt64,
        _ channels: [ChannelName],
        since: [ChannelName: Broker.Position],
        _ mailbox: Mailbox
    ) {
        let place = Place(keeping: Set(channels), at: since)
        readers[id] = Reader(channels: channels, mailbox: mailbox, place: place)
        for channel in channels {
            if channel.isPattern, byChannel[channel] == nil { patternCount += 1 }
            byChannel[channel, default: []].insert(id)
        }
    }

    /// Lets one go.
    mutating func remove(_ id: UInt64) {
        guard let reader = readers.removeValue(forKey: id) else { return }
        for channel in reader.channels {
            byChannel[channel]?.remove(id)
            guard byChannel[channel]?.isEmpty ?? false else { continue }
            byChannel[channel] = nil
            if channel.isPattern { patternCount -= 1 }
        }
    }

    /// Ends those that read a channel.
    mutating func end(_ channel: ChannelName, _ error: PerseidError) {
        for id in byChannel[channel] ?? [] {
            readers[id]?.mailbox.finish(error)
            remove(id)
        }
    }

    /// Ends all.
    mutating func end(_ error: PerseidError?) {
        for reader in readers.values { reader.mailbox.finish(error) }
        self = Readers()
    }

    // MARK: What is told

    /// Tells one that a channel, which others read already, is open.
    mutating func tell(_ id: UInt64, that channel: ChannelName, isOpenAt position: Broker.Position, isRecovered: Bool?)
    {
        readers[id]?.open(channel, at: position, isRecovered: isRecovered)
    }

    /// Tells all how the connection stands.
    func tell(_ state: ConnectionState) {
        for reader in readers.values { reader.mailbox.put(.connection(state)) }
    }

    /// Tells those whom it is for what the node said.
    mutating func deliver(_ message: ServerMessage) {
        switch message {
        case .message(let channel, let position, let payload, let marks):
            for id in ids(of: channel) { readers[id]?.take(channel, position, payload, marks) }
        case .gap(let channel, let from, let to):
            for id in ids(of: channel) { readers[id]?.takeGap(channel, from, to) }
        case .subscribed(let channel, let position, let isRecovered):
            for id in byChannel[channel] ?? [] { readers[id]?.open(channel, at: position, isRecovered: isRecovered) }
        case .welcome, .unsubscribed, .error, .bye, .other: break
        }
    }

    private func ids(of channel: ChannelName) -> Set<UInt64> {
        var ids = byChannel[channel] ?? []
        guard patternCount > 0 else { return ids }
        for pattern in channel.patterns { ids.formUnion(byChannel[pattern] ?? []) }
        return ids
    }
}

extension Readers.Reader {
    fileprivate mutating func take(
        _ channel: ChannelName,
        _ position: Broker.Position?,
        _ payload: Payload,
        _ marks: ServerMessage.Marks
    ) {
        if let position {
            if let own = place.position(in: channel), position <= own { return }
            place.set(channel, position)
        }
        let message = Message(
            channel: channel.text,
            position: position.map { Position($0) },
            payload: payload,
            key: marks.key,
            isSnapshot: marks.isSnapshot
        )
        mailbox.put(.message(message))
    }

    fileprivate mutating func takeGap(_ channel: ChannelName, _ from: Broker.Position, _ to: Broker.Position) {
        let own = place.position(in: channel)
        if let own, to <= own { return }
        place.set(channel, to)
        mailbox.put(.gap(Gap(channel: channel.text, from: Position(own ?? from), to: Position(to))))
    }

    /// The channel is open. Who gave no position is told what follows this one.
    fileprivate mutating func open(_ channel: ChannelName, at position: Broker.Position?, isRecovered: Bool?) {
        if isRecovered != true, place[channel] == nil, let position { place.set(channel, position) }
        let told = Opened(channel: channel.text, position: position.map { Position($0) }, isRecovered: isRecovered)
        mailbox.put(.opened(told))
    }
}
