/// The message that is being put together from fragments. It exists only between the first fragment and the delivery
/// of the last, so that a connection without one owns no memory.
final class WebSocketAssembly {
    let opcode: WebSocketOpcode
    let isCompressed: Bool

    /// The payload so far, unmasked.
    private(set) var payload = ByteBuffer()

    /// Whether the message is complete and was handed out: the next call of the decoder lets go of it.
    var isDelivered = false

    private var validator = UTF8Validator()

    init(opcode: WebSocketOpcode, isCompressed: Bool) {
        self.opcode = opcode
        self.isCompressed = isCompressed
    }

    /// Takes the next fragment. Returns false if the text cannot be UTF-8 any more; what is compressed or binary is
    /// not looked at.
    func append(_ fragment: UnsafeRawBufferPointer, isFinal: Bool) -> Bool {
        payload.append(fragment)
        guard opcode == .text, !isCompressed else { return true }
        return validator.validate(fragment) && (!isFinal || validator.isComplete)
    }
}
