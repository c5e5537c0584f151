/// What a payload is, as its publisher declared it or its bytes show.
public enum PayloadKind: UInt8, Sendable {
    /// One valid JSON text on one line; embedded as it is.
    case json
    /// UTF-8; embedded as a JSON string.
    case text
    /// Anything else; embedded as base64.
    case binary
}

/// What is published.
public struct Payload: Sendable, Equatable {
    /// How `bytes` are to be read.
    public let kind: PayloadKind

    /// The payload itself; at most the limit of a message.
    public let bytes: [UInt8]

    /// Takes bytes whose kind the caller has established.
    public init(kind: PayloadKind, bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }
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
}
