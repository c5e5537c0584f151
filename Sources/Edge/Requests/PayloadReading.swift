public import Broker
internal import Wire

extension Payload {
    /// Takes what a publisher sent: JSON if it said so (`nil` if it is not), else text, else binary.
    init?(published bytes: UnsafeRawBufferPointer, asJSON isJSON: Bool) {
        if isJSON {
            guard JSONText.kind(of: bytes) != nil else { return nil }
            self.init(kind: .json, bytes: Self.singleLine(bytes))
        } else {
            self.init(kind: UTF8Validator.isValid(bytes) ? .text : .binary, bytes: Array(bytes))
        }
    }

    /// Takes the payload within a publisher's message, which is valid JSON.
    init?(_ data: PublishedData, of message: UnsafeRawBufferPointer) {
        switch data {
        case .json(let range): self.init(published: UnsafeRawBufferPointer(rebasing: message[range]), asJSON: true)
        case .bytes(let bytes): self.init(kind: .binary, bytes: bytes)
        case .removal: self.init(kind: .removal, bytes: [])
        }
    }

    /// Takes what came over the backplane: as it was declared if it is that, else what its bytes show. Undeclared, only
    /// an object or an array is taken for JSON: a bare number or word is text.
    public init(heard bytes: UnsafeRawBufferPointer, declared: PayloadKind?) {
        switch declared {
        case .binary, .removal:
            self.init(kind: .binary, bytes: Array(bytes))
        case .json where JSONText.kind(of: bytes) != nil:
            self.init(kind: .json, bytes: Self.singleLine(bytes))
        case nil where Self.looksLikeContainer(bytes) && JSONText.kind(of: bytes) != nil:
            self.init(kind: .json, bytes: Self.singleLine(bytes))
        default:
            self.init(kind: UTF8Validator.isValid(bytes) ? .text : .binary, bytes: Array(bytes))
        }
    }

    private static func looksLikeContainer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let first = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// JSON on one line: it is embedded in lines and in event streams.
    private static func singleLine(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var copy = Array(bytes)
        copy.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
        return copy
    }
}
