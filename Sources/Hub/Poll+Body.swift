internal import Broker
public import Wire

extension Poll {
    /// Appends what it is answered with, as JSON.
    public func appendBody(to output: inout ByteBuffer) {
        AnswerBody.appendPoll(cursor: cursor, publications: items, to: &output) { item, output in
            append(item, to: &output)
        }
        AnswerBody.appendPollEnd(gaps: gaps, hasCursor: hasCursor, to: &output) { gap, output in
            gap.topic.name.withUTF8 {
                Envelope.appendGap(channel: $0, from: gap.from.numbers, to: gap.to.numbers, into: &output)
            }
        }
    }

    /// Appends what it is answered with as elements of an array, without the brackets.
    public func appendElements(to output: inout ByteBuffer) {
        for (place, item) in items.enumerated() {
            if place > 0 { output.append(",") }
            append(item, to: &output)
        }
    }

    private func append(_ item: (topic: Topic, payload: Payload, position: Position?), to output: inout ByteBuffer) {
        item.payload.bytes.withUnsafeBytes { bytes in
            item.topic.name.withUTF8 { name in
                let publication = Dialect.Publication(
                    channel: name,
                    position: item.position?.numbers,
                    payload: Envelope.Payload(item.payload.kind, bytes)
                )
                // An answer of JSON: no dialect has other bytes for it.
                _ = encoding.dialect.dialect.publication(publication, encoding.traits, &output)
            }
        }
    }
}
