public import Broker
public import TLS

/// What the uplink tells a reactor.
public enum UplinkReport: Sendable {
    /// The channel is watched from this position on; every later publication follows it.
    case opened(ChannelName, head: Position)
    /// The channel cannot be heard, says the reason, and is not watched any more.
    case refused(ChannelName, String)
    /// The next publication of a watched channel.
    case publication(ChannelName, Publication)
    /// A payload that was only ever meant for those who listen now; it has no position.
    case ephemeral(ChannelName, Payload)
    /// What lay after `from` up to and including `to` is gone.
    case gap(ChannelName, from: Position, to: Position)
    /// A channel that a pattern stands for; it is watched from now on, and `opened` follows.
    case found(ChannelName, by: ChannelName)
    /// A channel of a pattern waits for what came before its newest; `moved` says that it no longer does.
    case behind(ChannelName)
    /// Reports were dropped because this reactor's inbox was full; the channel now stands here.
    case moved(ChannelName, head: Position)
    /// The answer to `recover`; it reaches up to what was reported of the channel before it.
    case recovered(ChannelName, HistoryPage)
    /// The answer to `publish`.
    case published(Ticket, Result<Position, BackplaneFailure>)
    /// The answer to `history`.
    case history(Ticket, Result<HistoryPage, BackplaneFailure>)
    /// The answer to `describe`.
    case described(Ticket, Result<ChannelFacts, BackplaneFailure>)
    /// The answer to `presence`.
    case presence(Ticket, Result<PresenceList, BackplaneFailure>)
    /// The answer to `session`: what is known of it, nothing of a new one.
    case session(Ticket, Result<SessionState, SessionFailure>)
    /// The answer to `visitSession`.
    case visited(Ticket, Result<SessionState, SessionFailure>)
    /// The answer to `settleSession`.
    case settled(Ticket, Result<SessionWrite, BackplaneFailure>)
    /// Another connection, here or on another node, holds this session now, or nobody does.
    case sessionTaken(SessionID, SessionHolder, SessionTaking)
    /// A visit changed the subscriptions of a session that this connection holds.
    case sessionChanged(SessionID, SessionHolder, [SessionPosition])
    /// The backplane lost what it had of this session; all of it is to be saved again.
    case sessionForgotten(SessionID, SessionHolder)
    /// Who shows a token that was looked at, or why it is none.
    case identified(Ticket, Result<Identity, TokenFault>)
    /// The answer to `spend`: how many microseconds it is until there is all again.
    case spent(Ticket, Result<UInt64, BackplaneFailure>)
    /// What a backend said, or did not.
    case hooked(Ticket, HookOutcome)
    /// From now on this says who may do what.
    case accessChanged(AccessPolicy)
    /// A node asks about this reactor's clients, or has it do something to them; answered by `UplinkCommand.reply`.
    case asked(ClusterQuestion, ClusterCall)
    /// Tokens are not to be taken any more.
    case revoked([Revocation])
    /// A node died, and a backend is to hear of this reader of it; answered by `UplinkCommand.told`, with the entry's own text.
    case inherited(WillID, WillEntry, [UInt8])
    /// The answer to `control`.
    case controlled(Ticket, Result<ControlAnswer, BackplaneFailure>)
    /// From now on these certificates are shown.
    case certificatesChanged(TLSPolicy)
    /// What tickets of TLS are sealed with on all nodes, the newest first.
    case ticketsShared([[UInt8]])
    /// The backplane was reached or lost.
    case link(isUp: Bool)
    /// Let clients go, then end the reactor's thread.
    case drain
}
