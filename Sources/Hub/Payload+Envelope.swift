public import Broker
public import Wire

extension Payload {
    /// Bytes that it has within JSON.
    public var jsonByteCount: Int {
        switch kind {
        case .json: bytes.count
        case .binary: bytes.count / 3 * 4 + 4
        case .text: bytes.count + bytes.reduce(into: 0) { $0 += $1 < 0x20 ? 5 : $1 == 0x22 || $1 == 0x5C ? 1 : 0 }
        }
    }
}

extension Envelope.Payload {
    /// A payload as the codec takes it.
    public init(_ kind: PayloadKind, _ bytes: UnsafeRawBufferPointer) {
        switch kind {
        case .json: self = .json(bytes)
        case .text: self = .text(bytes)
        case .binary: self = .binary(bytes)
        }
    }
}
