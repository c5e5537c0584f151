/// A way in which a peer broke the WebSocket protocol. It ends the connection.
///
/// Source: RFC 6455; the section stands with each case.
public enum WebSocketFailure: UInt8, Error, Sendable, CaseIterable {
    /// A reserved bit is set that no extension gave a meaning (5.2).
    case reservedBitSet
    /// An opcode that is not assigned (5.2).
    case reservedOpcode
    /// A client frame without mask (5.1).
    case maskMissing
    /// A server frame with mask (5.1).
    case maskForbidden
    /// A length in more bytes than it needs (5.2).
    case lengthNotMinimal
    /// A 64-bit length with its highest bit set (5.2).
    case lengthNegative
    /// A control frame of more than 125 bytes (5.5).
    case controlFrameTooLong
    /// A control frame that is not final (5.5).
    case controlFrameFragmented
    /// A continuation while no message is begun (5.4).
    case continuationWithoutStart
    /// A new message before the one begun is finished (5.4).
    case messageInterrupted
    /// A close frame of one byte: half a code (5.5.1).
    case closeCodeTruncated
    /// A close code that may not be sent (7.4).
    case closeCodeForbidden
    /// A close reason that is not UTF-8 (5.5.1).
    case closeReasonNotUTF8
    /// A text that is not UTF-8 (8.1).
    case textNotUTF8
    /// A message above the limit (10.4).
    case messageTooBig

    /// The code to close with.
    public var closeCode: WebSocketCloseCode {
        switch self {
        case .closeReasonNotUTF8, .textNotUTF8: .invalidPayload
        case .messageTooBig: .messageTooBig
        default: .protocolError
        }
    }

    /// The reason to close with: short enough for a close frame.
    public var reason: StaticString {
        switch self {
        case .reservedBitSet: "reserved bit set"
        case .reservedOpcode: "reserved opcode"
        case .maskMissing: "client frame without mask"
        case .maskForbidden: "server frame with mask"
        case .lengthNotMinimal: "length not in its shortest form"
        case .lengthNegative: "highest bit of the length set"
        case .controlFrameTooLong: "control frame longer than 125 bytes"
        case .controlFrameFragmented: "fragmented control frame"
        case .continuationWithoutStart: "continuation without a message"
        case .messageInterrupted: "new message inside a fragmented one"
        case .closeCodeTruncated: "close frame of one byte"
        case .closeCodeForbidden: "close code not allowed"
        case .closeReasonNotUTF8: "close reason is not UTF-8"
        case .textNotUTF8: "text is not UTF-8"
        case .messageTooBig: "message too big"
        }
    }
}
