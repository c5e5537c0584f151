/// What a payload is, as its publisher declared it or its bytes show.
public enum PayloadKind: UInt8, Sendable {
    /// One valid JSON text on one line; embedded as it is.
    case json
    /// UTF-8; embedded as a JSON string.
    case text
    /// Anything else; embedded as base64.
    case binary
    /// Nothing: what was published under its key is there no longer.
    case removal
}

/// What is published.
public struct Payload: Sendable, Equatable {
    /// How `bytes` are to be read.
    public let kind: PayloadKind

    /// The payload itself; at most the limit of a message.
    public let bytes: [UInt8]

    /// What it is about, if its publisher said so.
    public let key: PublicationKey?

    /// Takes bytes whose kind the caller has established.
    public init(kind: PayloadKind, bytes: [UInt8], key: PublicationKey? = nil) {
        self.kind = kind
        self.bytes = bytes
        self.key = key
    }

    /// That what was published under a key is there no longer.
    public init(removalOf key: PublicationKey) { self.init(kind: .removal, bytes: [], key: key) }

    /// The same under a key.
    public func with(_ key: PublicationKey?) -> Payload { Payload(kind: kind, bytes: bytes, key: key) }
}

/// One message in a channel.
///
/// A value that crosses threads; the payload's bytes are shared and never change.
public struct Publication: Sendable, Equatable {
    /// Where it stands in its channel.
    public let position: Position

    /// The position of its predecessor in the same channel; `Position.start` for the first.
    public let previous: Position

    /// What was published.
    public let payload: Payload

    /// Links a payload into its channel.
    public init(position: Position, previous: Position, payload: Payload) {
        self.position = position
        self.previous = previous
        self.payload = payload
    }

    /// The mark that a channel was cleared: it moved on to a position at which nothing stands. It names itself as its predecessor, and so
    /// follows nothing that anybody has: whoever hears it reads what is left, and finds that all before it is gone.
    public init(clearedAt position: Position) {
        self.init(position: position, previous: position, payload: Payload(kind: .text, bytes: []))
    }

    /// The same behind another predecessor, where those between the two were left out on purpose.
    func following(_ previous: Position) -> Publication {
        Publication(position: position, previous: previous, payload: payload)
    }
}
