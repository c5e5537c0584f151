internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What clients of WebSockets send compressed. Each message was compressed by itself, so one inflater is enough for all of them, and
// none is there before the first such message.
extension EdgeReactor {
    /// Takes a message that is compressed: inflated it is one like any other, and no larger than one may be.
    func takeCompressed(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, for slot: Slot) {
        if inflater == nil { inflater = Inflater() }
        inflated.removeAll()
        let outcome = inflater?.inflate(payload, bytesMax: limits.messageBytesMax, to: &inflated) ?? .invalid
        metrics.inflatedMessages.add()
        metrics.inflatedBytes.add(inflated.count)
        switch outcome {
        case .whole where opcode == .binary: takeBinary(for: slot)
        case .whole where !UTF8Validator.isValid(inflated.bytes):
            failWebSocket(slot, .invalidPayload, "a compressed text message that is not UTF-8")
        case .whole: takeCommands(inflated.bytes, for: slot)
        case .tooBig:
            metrics.inflationsRefused.add()
            failWebSocket(slot, .messageTooBig, "a compressed message that is too big")
        case .invalid:
            metrics.inflationsRefused.add()
            failWebSocket(slot, .invalidPayload, "not a compressed message")
        }
    }
}

extension DeflateAgreement {
    /// What a client that agreed to it can be sent.
    var form: Encoding.Form {
        // bounded: 8 to 15
        guard Int32(serverWindowBits ?? 15) >= Deflater.Window.wide.bits else { return .deflatedNarrow }
        return hasServerContext ? .deflated : .deflatedAlone
    }
}
