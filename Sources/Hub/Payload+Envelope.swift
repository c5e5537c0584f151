public import Broker
public import Wire

extension Payload {
    /// Bytes that it has within JSON.
    public var jsonByteCount: Int {
        switch kind {
        case .json: bytes.count
        case .binary: bytes.count / 3 * 4 + 4
        case .removal: 4
        case .text: bytes.count + bytes.reduce(into: 0) { $0 += $1 < 0x20 ? 5 : $1 == 0x22 || $1 == 0x5C ? 1 : 0 }
        }
    }

    /// Lends it as a publication, the way a dialect takes one.
    func withPublication<Outcome>(
        in channel: ChannelName,
        at position: Position?,
        isSnapshot: Bool = false,
        _ body: (Dialect.Publication) -> Outcome
    ) -> Outcome {
        bytes.withUnsafeBytes { bytes in
            channel.withUTF8 { name in
                withKey { key in
                    body(
                        Dialect.Publication(
                            channel: name,
                            position: position?.numbers,
                            key: key,
                            isSnapshot: isSnapshot,
                            payload: Envelope.Payload(kind, bytes)
                        )
                    )
                }
            }
        }
    }

    /// Lends the bytes of its key.
    public func withKey<Outcome>(_ body: (UnsafeRawBufferPointer?) -> Outcome) -> Outcome {
        guard var text = key?.text else { return body(nil) }
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension Envelope.Payload {
    /// A payload as the codec takes it.
    public init(_ kind: PayloadKind, _ bytes: UnsafeRawBufferPointer) {
        switch kind {
        case .json: self = .json(bytes)
        case .text: self = .text(bytes)
        case .binary: self = .binary(bytes)
        case .removal: self = .removal
        }
    }
}
