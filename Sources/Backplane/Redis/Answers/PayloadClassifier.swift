public import Broker

/// Tells what a payload from outside is. The codec module has it; the command line puts the two together, so that the
/// backplane needs no JSON.
///
/// The second argument is what the publisher declared, if it did; bytes that are not what they were declared to be are
/// taken for what they are.
public typealias PayloadClassifier = @Sendable (UnsafeRawBufferPointer, PayloadKind?) -> Payload

extension PayloadKind {
    /// The letter of a kind in a message header and a stream entry.
    var letter: UInt8 {
        switch self {
        case .json: UInt8(ascii: "j")
        case .text: UInt8(ascii: "t")
        case .binary: UInt8(ascii: "b")
        case .removal: UInt8(ascii: "r")
        }
    }

    /// The kind of a letter; `nil` for `a`, which leaves it to the bytes.
    init?(letter: UInt8?) {
        switch letter {
        case UInt8(ascii: "j"): self = .json
        case UInt8(ascii: "t"): self = .text
        case UInt8(ascii: "b"): self = .binary
        default: return nil
        }
    }

    /// The kind as the function library takes it.
    var name: StaticString {
        switch self {
        case .json: "json"
        case .text: "text"
        case .binary: "binary"
        case .removal: "removal"
        }
    }
}
