internal import Broker
internal import Reactor
internal import Synchronization
internal import Text

/// A client of Perseid: one connection, for as long as there are subscriptions, whatever becomes of the network and the nodes.
///
///     let client = try PerseidClient("https://live.example.com")
///     for try await message in client.subscribe("room/1") { print(message.text ?? "") }
///
/// It connects when something is first subscribed to, with the best transport that works and to one address after the other; comes back by
/// itself, with its session and its place in every channel; and has one thread, which all of it runs on. It ends with the last reference
/// to it and to its subscriptions, or with `close`.
public final class PerseidClient: Sendable {
    private let thread: ClientThread
    private let options: ClientOptions
    private let writer = PublicationWriter()
    private let lastID = Lock<UInt64>(0)

    /// Makes a client of the nodes at some addresses, `http://host[:port]` or `https://…`, which are tried in turn.
    ///
    /// - Throws: if one is no such address, or the system has no thread or descriptor left.
    public init(_ addresses: [String], options: ClientOptions = ClientOptions()) throws(PerseidError) {
        guard !addresses.isEmpty else { throw PerseidError(message: "no address was given", isFinal: true) }
        var places: [NodeAddress] = []
        for address in addresses {
            do throws(NodeAddress.Unusable) {
                places.append(try NodeAddress(address))
            } catch {
                throw PerseidError(message: error.description, isFinal: true)
            }
        }
        self.options = options
        thread = try ClientThread(ClientConfiguration(addresses: places, options: options))
    }

    /// The same for addresses one by one.
    public convenience init(_ addresses: String..., options: ClientOptions = ClientOptions()) throws(PerseidError) {
        try self.init(addresses, options: options)
    }

    /// Ends all subscriptions, and lets go of the connection. What is not published by then is not.
    public func close() { thread.close() }

    // MARK: Subscriptions

    /// Reads a channel, or all that a pattern such as `room/*` stands for: what comes after a position, or from now on.
    public func subscribe(_ channel: String, since position: Position) -> Subscription {
        subscribe([channel], positions: ChannelName(channel).map { [$0: position.place] } ?? [:])
    }

    /// Reads channels, from now on.
    public func subscribe(_ channels: String...) -> Subscription { subscribe(channels) }

    /// Reads channels: what comes after a cursor, as `Subscription.cursor` tells it, where it has one; else from now on.
    public func subscribe(_ channels: [String], cursor: String = "") -> Subscription {
        guard let read = Broker.Cursor(cursor) else {
            return refused(PerseidError(code: 400, message: "not a cursor", field: "cursor"))
        }
        return subscribe(channels, positions: read.positions)
    }

    private func subscribe(_ channels: [String], positions: [ChannelName: Broker.Position]) -> Subscription {
        var names: [ChannelName] = []
        for channel in channels {
            guard let name = ChannelName(channel), !name.hasMisplacedWildcard else {
                return refused(.noChannel(channel))
            }
            if !names.contains(name) { names.append(name) }
        }
        guard !names.isEmpty else {
            return refused(PerseidError(code: 400, message: "no channel was given", field: "channel"))
        }
        let mine = positions.filter { channel, _ in names.contains { $0.overlaps(channel) } }
        let (id, mailbox) = makeMailbox(Place(keeping: Set(names), at: mine))
        thread.post(.subscribe(id, names, since: mine, mailbox))
        return Subscription(Reading(id, mailbox, thread))
    }

    /// One that ends as it begins.
    private func refused(_ error: PerseidError) -> Subscription {
        let (id, mailbox) = makeMailbox(Place())
        mailbox.finish(error)
        return Subscription(Reading(id, mailbox, thread))
    }

    private func makeMailbox(_ place: Place) -> (UInt64, Mailbox) {
        let id = lastID.withLock { id in
            id += 1
            return id
        }
        return (id, Mailbox(bytesMax: options.waitingBytesMax, place: place, orders: thread.orders))
    }

    // MARK: Publishing

    /// Publishes, and returns where it stands once the cluster has it.
    ///
    /// Publications are sent in the order of the calls; those that are made while a request is under way go along with the next. Where the
    /// cluster does not take one for now, or its answer is lost, it is tried again for `publishMilliseconds`; it is there once, however
    /// often it was sent.
    ///
    /// - Parameter key: what it is about: in a keyed channel it takes the place of what was published under that key before, and
    ///   `.removal` says that there is nothing any more.
    /// - Throws: `PerseidError`; or `CancellationError`, and then it may be published or not.
    @discardableResult
    public func publish(_ channel: String, _ payload: Payload, key: String? = nil) async throws -> Position {
        let answer = try await send(channel, payload, key: key).answer
        if let position = answer.position { return position }
        throw answer.error ?? .closed
    }

    /// Sends a payload, and goes on: the answer can be waited for.
    package func send(
        _ channel: String,
        _ payload: Payload,
        key: String? = nil
    ) throws(PerseidError) -> SentPublication {
        send(named: try writer.line(channel, payload, key: key))
    }

    /// Sends a line that somebody wrote for `POST /publish`, whose answer may be an error, and goes on.
    package func send(line: [UInt8]) -> SentPublication { send(named: writer.named(line)) }

    private func send(named line: [UInt8]) -> SentPublication {
        let promise = Promise<PublicationAnswer>()
        thread.post(.publish(line, promise, milliseconds: options.publishMilliseconds))
        return SentPublication(promise: promise)
    }

    // MARK: Questions

    /// What was published: the last ones, or the first of those since a position.
    public func history(_ channel: String, since position: Position? = nil, limit: Int? = nil) async throws
        -> HistoryPage
    {
        let asked = [position.map { "since=\($0)" }, limit.map { "limit=\($0)" }].compactMap { $0 }
        let answer = try await ask(channel, "/history", asked)
        return try HistoryPage(answer, of: channel)
    }

    /// Who is subscribed to a channel, where nodes keep that.
    public func presence(_ channel: String) async throws -> Presence {
        try Presence(try await ask(channel, "/presence", []))
    }

    private func ask(_ channel: String, _ part: String, _ parameters: [String]) async throws -> [UInt8] {
        guard ChannelName(channel) != nil else { throw PerseidError.noChannel(channel) }
        let query = parameters.isEmpty ? "" : "?\(parameters.joined(separator: "&"))"
        let promise = Promise<[UInt8]>()
        thread.post(.ask("/channels/\(PercentCoding.encode(channel))\(part)\(query)", promise))
        return try await promise.value
    }
}
