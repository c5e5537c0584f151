public import Broker

/// Who hears from a backplane: the uplink.
public protocol BackplaneDelegate: ChannelBackplaneDelegate, SessionBackplaneDelegate, PresenceBackplaneDelegate,
    ControlBackplaneDelegate, RateBackplaneDelegate, WillBackplaneDelegate
{
    /// `isUp` may have changed.
    func linkChanged()

    /// All nodes seal tickets of TLS with this from now on: the secret that seals, then those that open besides.
    func ticketsShared(_ secrets: [[UInt8]])
}

/// Who hears of channels.
public protocol ChannelBackplaneDelegate: AnyObject {
    /// From here on the channel's publications are heard.
    func subscribed(_ channel: ChannelName)

    /// The channel cannot be heard, and the backplane no longer tries: it may not be, says the reason.
    func refused(_ channel: ChannelName, _ reason: String)

    /// A publication was heard.
    func heard(_ publication: Publication, in channel: ChannelName)

    /// A payload without a position was heard.
    func heard(_ payload: Payload, in channel: ChannelName)

    /// A publication was heard under a pattern that stands for its channel.
    func heard(_ publication: Publication, in channel: ChannelName, by pattern: ChannelName)

    /// A part of the answer to `find`: channels and their heads, when that was, and whether it is the last. `nil` where it failed.
    func found(_ part: FoundChannels?)

    /// The answer to `read`.
    func read(
        _ channel: ChannelName,
        for purpose: ReadPurpose,
        since: Position?,
        _ page: Result<HistoryPage, BackplaneFailure>
    )

    /// The answer to `tell`: how many nodes hear the channel.
    func told(_ channel: ChannelName, _ listeners: Result<Int, BackplaneFailure>)

    /// The answer to `publish`.
    func published(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>)
}

/// Who hears of sessions.
public protocol SessionBackplaneDelegate: AnyObject {
    /// The answer to `grant`.
    func granted(_ request: SessionRequest, _ outcome: Result<SessionGrant, SessionFailure>)

    /// The answer to `save` and `restore`.
    func saved(
        _ session: SessionID,
        fence: UInt64,
        for ticket: Ticket?,
        _ outcome: Result<SessionWrite, BackplaneFailure>
    )

    /// The answer to `touch`: the session's notes, or `nil` if there is no such session.
    func touched(_ ticket: Ticket, _ outcome: Result<[UInt8]?, BackplaneFailure>)

    /// Another node resumed a session with this fence.
    func taken(_ session: SessionID, fence: UInt64, _ taking: SessionTaking)
}

/// Who hears of subscribers.
public protocol PresenceBackplaneDelegate: AnyObject {
    /// The answer to `describe`.
    func described(_ ticket: Ticket, _ facts: Result<ChannelFacts, BackplaneFailure>)

    /// Members that were to be renewed: those that are another node's now, and those that the backplane does not have.
    func renewed(_ channel: ChannelName, lost: [MemberID], missing: [MemberID])

    /// The answer to `list`.
    func listed(_ ticket: Ticket, _ list: Result<PresenceList, BackplaneFailure>)
}

/// Who hears of what the cluster is asked.
public protocol ControlBackplaneDelegate: AnyObject {
    /// A node asks.
    func asked(_ question: ClusterQuestion, _ call: ClusterCall)

    /// So many nodes were asked.
    func announced(_ number: UInt64, _ nodes: Result<Int, BackplaneFailure>)

    /// One of them has answered.
    func replied(_ number: UInt64, _ part: ClusterPart)

    /// Tokens are not to be taken any more: news, or all there are after the backplane was away.
    func revoked(_ revocations: [Revocation])

    /// The answer to `revoke`, `list`, `inspect` and `end`.
    func controlled(_ ticket: Ticket, _ answer: Result<ControlAnswer, BackplaneFailure>)
}

/// Who hears of how much users had.
public protocol RateBackplaneDelegate: AnyObject {
    /// The answer to `spend`: how many microseconds it is until there is all again.
    func spent(_ ticket: Ticket, _ outcome: Result<UInt64, BackplaneFailure>)
}
