public import Broker

/// What whoever runs the cluster wants of it, from any node.
public enum ControlRequest: Sendable {
    /// Of clients, whichever node they are at.
    case ask(ClusterQuestion)
    /// That tokens are not taken any more.
    case revoke(Revocation)
    /// A list of what there is.
    case list(Inventory)
    /// What is kept of a session.
    case inspect(SessionID)
    /// The end of a session.
    case end(SessionID)
}

/// What is answered to a `ControlRequest`.
public enum ControlAnswer: Sendable {
    /// What nodes said; it is not complete where one of them did not answer in time.
    case asked(ClusterPart, isComplete: Bool)
    /// It is done: a token is revoked, a session ended. Not where there is no such session.
    case done(Bool)
    case listed(InventoryPage)
    /// `nil` where there is no such session.
    case inspected(SessionFacts?)
}

/// A page of what there is, of one kind.
public struct Inventory: Sendable, Equatable {
    /// Of what.
    public enum Kind: Sendable, Equatable {
        /// Channels that were published to of late and that a pattern stands for, or one; all without one.
        case channels(ChannelName?)
        case sessions
        case nodes
    }

    public let kind: Kind

    /// Where the page begins: what the page before it named as next, or nothing.
    public let after: String

    /// How many items it has about; a few more where several are found at once.
    public let countMax: Int

    /// Makes one.
    public init(_ kind: Kind, after: String = "", countMax: Int) {
        self.kind = kind
        self.after = after
        self.countMax = countMax
    }
}

/// One page.
public struct InventoryPage: Sendable, Equatable {
    /// One item.
    public enum Item: Sendable, Equatable {
        case channel(ChannelName, head: Position)
        /// A session and the node that has it, if one does.
        case session(SessionID, node: String?)
        /// What a node says of itself, as a JSON object.
        case node(String, facts: [UInt8])
    }

    public var items: [Item]

    /// Where the next page begins; `nil` if this is the last.
    public var next: String?

    /// Makes one.
    public init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

/// What is kept of a session.
public struct SessionFacts: Sendable, Equatable {
    /// The node that has it; `nil` while nobody is connected by it.
    public let node: String?

    /// Its subscriptions, and up to where its client certainly has them.
    public let positions: [SessionPosition]

    /// Makes facts.
    public init(node: String?, positions: [SessionPosition]) {
        self.node = node
        self.positions = positions
    }
}
