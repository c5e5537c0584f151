public import Broker

/// What a hub has no hands for: it has readers, and somebody else has their connections; it wants channels watched, and
/// somebody else knows the backplane; it bounds what it does at once, and somebody else has a clock.
///
/// Thread: the hub's. Each function may call the hub again; so the hub takes nothing for granted behind a call that can end
/// a client.
public protocol HubOutlet: AnyObject {
    // MARK: Clients

    /// The client in a slot that has one.
    func client(at slot: ClientSlot) -> UnsafeMutablePointer<Client>

    /// A client, or `nil` if it is gone.
    func client(_ id: ClientID) -> UnsafeMutablePointer<Client>?

    /// Names the client in a slot that has one.
    func id(of slot: ClientSlot) -> ClientID

    // MARK: Time

    /// Milliseconds of a clock that never jumps, as of this turn.
    var nowMilliseconds: UInt64 { get }

    /// Nanoseconds of the same clock, right now.
    var clockNanoseconds: UInt64 { get }

    /// Milliseconds since 1970, right now, as in positions.
    var wallMilliseconds: UInt64 { get }

    // MARK: Bytes

    /// Sends bytes to a client, as many as it takes now.
    func send(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot) -> Sent

    /// Sends several runs of bytes together, as much as the client takes now.
    func send(_ parts: [UnsafeRawBufferPointer], to slot: ClientSlot) -> Sent

    /// How much is noted at most before it is sent.
    var stagedCountMax: Int { get }

    /// Notes what a member of a feed is to be sent. The bytes stay where they are until `sendStaged`.
    func stage(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot, of member: SubscriptionSlot)

    /// Sends what was noted, and tells what became of it.
    func sendStaged(_ outcome: (_ member: SubscriptionSlot, _ byteCount: Int, Sent) -> Void)

    /// Whether all that was sent to a client is with its system.
    func isAcknowledged(_ slot: ClientSlot) -> Bool

    /// A client is full: the hub wants to hear when it takes bytes again.
    func didBlock(_ slot: ClientSlot)

    /// A client that was full has everything.
    func didUnblock(_ slot: ClientSlot)

    /// All of a client's own answers are sent, if not yet what its logs hold.
    func didSendOutbox(_ slot: ClientSlot)

    // MARK: Ends

    /// Ends a client now, for more than is allowed waits for it.
    func closeOverfull(_ slot: ClientSlot, heldBytes: Int)

    /// A client is about to be told why it is sent away.
    func willSayBye(_ slot: ClientSlot, _ code: ByeCode)

    /// Ends a client once what waits for it is sent; nothing more is understood of what it says.
    func closeWhenSent(_ slot: ClientSlot)

    /// Draws how long a client is to wait before it comes back.
    func drawReconnectMilliseconds() -> UInt64

    // MARK: Requests

    /// A client's request is the first here for a channel: the node is to be told of that.
    func didOpenChannel(_ slot: ClientSlot)

    /// A client cannot have what a command of it asked for, or has no longer what it asked for once.
    func refuse(_ slot: ClientSlot, _ channel: ChannelName, commandID: [UInt8]?, code: UInt16, _ message: String)

    /// A poll is held from now on, and looked at again once this time is over.
    func didHold(_ poll: Poll, milliseconds: UInt64)

    /// Whether the request of a poll is still there to be answered.
    func isWaitedFor(_ poll: Poll) -> Bool

    /// Answers a poll with what it has.
    func answer(_ poll: Poll)

    /// Answers a poll, if its request is still there, that gets nothing.
    func refuse(_ poll: Poll, _ why: PollRefusal)

    // MARK: The backplane

    /// Asks to hear of a channel, or no longer.
    func watch(_ channel: ChannelName)
    func unwatch(_ channel: ChannelName)

    /// Asks what followed a position of a channel.
    func recover(_ channel: ChannelName, since position: Position)

    /// Tells how many subscribers a channel has here.
    func count(_ channel: ChannelName, subscribers: Int)

    /// Tells how far the client of a session certainly came.
    func save(_ session: SessionID, of slot: ClientSlot, _ changes: [SessionPosition])

    /// Tells that a client holds its session no longer.
    func release(_ session: SessionID, of slot: ClientSlot)

    /// Tells who is there in a channel, and who is not any more.
    func enter(_ channel: ChannelName, _ slot: ClientSlot, transport: String)
    func leave(_ channel: ChannelName, _ slot: ClientSlot, _ departure: Departure)

    // MARK: Rules

    /// What is done with readers of a channel that are too slow, and how many bytes behind that is.
    func policy(of channel: ChannelName) -> (policy: SlowReaderPolicy, windowBytesMax: Int)

    /// Whether what is published in a channel, or in all that a pattern stands for, may be compressed for its readers.
    func compression(of channel: ChannelName) -> Compression

    /// Whether of a channel's publications only the newest of each key counts for whoever comes later.
    func isKeyed(_ channel: ChannelName) -> Bool

    /// How often the readers of a channel are told of it, whatever they ask for.
    func pace(of channel: ChannelName) -> PaceRule

    /// Whether a channel tells who is subscribed to it.
    func hasPresence(_ channel: ChannelName) -> Bool
}
