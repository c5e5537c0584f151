internal import Broker
internal import Wire

/// Reads an event stream: one message in one event, whose id is the cursor.
final class EventStreamReader: LinkReader {
    private var decoder: EventStreamDecoder
    private let messageBytesMax: Int

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
        decoder = EventStreamDecoder(eventBytesMax: messageBytesMax)
    }

    func objection(to head: AnswerHead) -> PerseidError? {
        head.isOf(type: "text/event-stream")
            ? nil : PerseidError(code: head.status, message: "what answers is no event stream")
    }

    func take(_ bytes: UnsafeRawBufferPointer, _ found: (LinkFinding) -> Void) throws(PerseidError) {
        var consumed = 0
        while true {
            switch decoder.next(in: bytes, consumed: &consumed) {
            case .needMore: return
            case .tooBig: throw .tooBig(messageBytesMax)
            // For browsers: this client draws how long it waits, unless a goodbye says.
            case .retry: break
            case .event(_, let data):
                let message = try ServerMessage(data)
                found(.message(message, Broker.Cursor(ofEventID: decoder.lastEventID)))
            }
        }
    }
}

extension Broker.Cursor {
    /// The cursor that an event's id is, if it is one: a stream that is not to come back ends with another.
    fileprivate init?(ofEventID id: UnsafeRawBufferPointer) {
        guard id.count > 0 else { return nil }
        self.init(String(decoding: id, as: UTF8.self))
    }
}
