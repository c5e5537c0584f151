public import Broker

/// What a backplane does for wills: each node leaves there of whose end a backend is to hear, on a lease, and who finds that a lease has
/// ended tells it.
///
/// All answers come by a call of the delegate, also where the backplane is away.
public protocol WillBackplane: AnyObject {
    /// Whether anybody is left to carry out a will. Where there is one node only, with it ends all that it knew.
    var keepsWills: Bool { get }

    /// Whether it reaches them: a part of it may be away.
    var areWillsUp: Bool { get }

    /// Begins a will, in place of one before it, whoever carries that out; answered by `willOpened`.
    func openWill(_ will: WillID, replacing old: WillID?)

    /// Takes back a will, whoever carries it out.
    func dropWill(_ will: WillID)

    /// Changes its entries, in their order, and renews its lease; answered by `willWritten`.
    func writeWill(_ will: WillID, _ changes: [WillChange])

    /// Renews its lease, and that of one that this node carries out; says whether there is another one to carry out, if it is looked for.
    /// Answered by `willRenewed`.
    func renewWill(_ will: WillID, executing: WillID?, seeks: Bool)

    /// Takes away what is done with of a will that this node carries out, and reads what is next; answered by `willRead`.
    func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int)

    /// Asks for a session's fence because of an entry; answered by `fenceRead`.
    func readFence(of session: SessionID, for entry: [UInt8])
}

/// One change of a will's entries. Each is a text that no other has.
public enum WillChange: Sendable, Equatable {
    case add([UInt8])
    case remove([UInt8])
}

/// What a node learns as it renews its will.
public struct WillRenewal: Sendable, Equatable {
    /// Whether it is still its own: one that was out of sight for too long is carried out by another node.
    public let isOwn: Bool

    /// One that this node is to carry out from now on, for as long as a lease.
    public let found: WillID?

    /// Makes one.
    public init(isOwn: Bool, found: WillID?) {
        self.isOwn = isOwn
        self.found = found
    }
}

/// Who hears of wills.
public protocol WillBackplaneDelegate: AnyObject {
    /// The answer to `openWill`.
    func willOpened(_ will: WillID, _ outcome: Result<Void, BackplaneFailure>)

    /// The answer to `writeWill`: whether it is still this node's own.
    func willWritten(_ will: WillID, _ outcome: Result<Bool, BackplaneFailure>)

    /// The answer to `renewWill`.
    func willRenewed(_ will: WillID, _ outcome: Result<WillRenewal, BackplaneFailure>)

    /// The answer to `executeWill`: entries; none at its end, `nil` if this node does not carry it out any more.
    func willRead(_ will: WillID, _ outcome: Result<[[UInt8]]?, BackplaneFailure>)

    /// The answer to `readFence`: `nil` if there is no such session.
    func fenceRead(for entry: [UInt8], _ outcome: Result<UInt64?, BackplaneFailure>)
}
