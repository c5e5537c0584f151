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

    private func append(_ item: PollItem, to output: inout ByteBuffer) {
        item.payload.withPublication(in: item.topic.name, at: item.position, isSnapshot: item.isSnapshot) {
            // An answer of JSON: no dialect has other bytes for it.
            _ = encoding.dialect.dialect.publication($0, encoding.traits, &output)
        }
    }
}
