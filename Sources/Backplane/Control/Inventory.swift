public import Broker

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
