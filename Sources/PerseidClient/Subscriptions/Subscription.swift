internal import Broker
internal import Reactor

/// Channels that are read for as long as somebody holds this, or the loop over it goes on.
///
///     for try await message in client.subscribe("room/1") {
///         if message.gap != nil { reload() }
///         show(message.text ?? "")
///     }
///
/// Each message is told once and in its channel's order, whatever becomes of the network and the nodes; what cannot be had any more is a
/// gap, which the message behind it tells of. The loop ends when the client is closed or its task is cancelled, and throws what is for good: a
/// channel that is not allowed, say. One loop at a time reads a subscription; to have what is published twice, subscribe twice: that is one
/// connection still.
public struct Subscription: AsyncSequence, Sendable {
    /// What the loop is told.
    public typealias Element = Message

    private let reading: Reading

    init(_ reading: Reading) { self.reading = reading }

    /// Where the loop is, as text: whoever subscribes with it goes on behind the last event that the loop was given, on any node and with
    /// any transport, also after this program has ended.
    public var cursor: String { reading.mailbox.cursor }

    /// Ends it: the loop is told what was there, and ends.
    public func unsubscribe() { reading.end() }

    /// All that happens, in order: gaps at once, and how the connection stands, as well as messages.
    public var events: Events { Events(reading) }

    /// The loop.
    public func makeAsyncIterator() -> Iterator { Iterator(events: events.makeAsyncIterator()) }

    /// What a loop calls.
    public struct Iterator: AsyncIteratorProtocol {
        var events: Events.Iterator

        /// By channel, until a message of it comes.
        private var gaps: [String: Gap] = [:]

        /// Channels of a pattern with a gap and nothing behind it, at most; of more, some are not told of.
        private static let gapsMax = 1_024

        init(events: Events.Iterator) { self.events = events }

        /// The next message, once there is one; `nil` at the end.
        public mutating func next() async throws(PerseidError) -> Message? {
            while let event = try await events.next() { if let message = take(event) { return message } }
            return nil
        }

        /// The same, whichever actor asks.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(PerseidError) -> Message? {
            while let event = try await events.next(isolation: actor) {
                if let message = take(event) { return message }
            }
            return nil
        }

        private mutating func take(_ event: SubscriptionEvent) -> Message? {
            switch event {
            case .message(var message):
                message.gap = gaps.removeValue(forKey: message.channel)
                return message
            case .gap(let gap):
                if gaps.count >= Self.gapsMax { gaps.removeAll() }
                // Of several in a row it is one from the first to the last.
                gaps[gap.channel] = Gap(channel: gap.channel, from: gaps[gap.channel]?.from ?? gap.from, to: gap.to)
                return nil
            case .opened, .connection: return nil
            }
        }
    }

    /// What happens to a subscription.
    public struct Events: AsyncSequence, Sendable {
        /// What the loop is told.
        public typealias Element = SubscriptionEvent

        private let reading: Reading

        init(_ reading: Reading) { self.reading = reading }

        /// The loop.
        public func makeAsyncIterator() -> Iterator { Iterator(reading: reading) }

        /// What a loop calls.
        public struct Iterator: AsyncIteratorProtocol {
            let reading: Reading

            /// The next event, once there is one; `nil` at the end.
            public mutating func next() async throws(PerseidError) -> SubscriptionEvent? {
                try await reading.mailbox.next().get()
            }

            /// The same, whichever actor asks.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(PerseidError) -> SubscriptionEvent? {
                try await reading.mailbox.next().get()
            }
        }
    }
}

/// What those who hold a subscription share: with the last of them it ends.
final class Reading: Sendable {
    let mailbox: Mailbox
    private let id: UInt64
    private let thread: ClientThread

    init(_ id: UInt64, _ mailbox: Mailbox, _ thread: ClientThread) {
        (self.id, self.mailbox, self.thread) = (id, mailbox, thread)
    }

    deinit {
        mailbox.abandon()
        thread.post(.unsubscribe(id))
    }

    func end() {
        mailbox.finish()
        thread.post(.unsubscribe(id))
    }
}
