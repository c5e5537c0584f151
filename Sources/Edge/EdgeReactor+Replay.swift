internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Sends what `output` holds, and behind it what the client of a join missed: as much as its socket takes now, the
    /// rest as it reads on.
    func write(_ index: UInt32, replaying join: Join) {
        var replay = Replay(join)
        let connection = connections[live: index]
        let encoding = connection.pointee.encoding
        if !connection.pointee.flags.contains(.isBlocked) { append(&replay, as: encoding, to: &output) }
        write(index, output.bytes)
        guard !replay.isFinished, !connection.pointee.flags.contains(.isClosed) else { return }
        let outbox = connection.pointee.outbox ?? Outbox(held)
        outbox.append(replay)
        connection.pointee.outbox = outbox
        block(index)
    }

    /// Makes the next frames of a connection's replays once all before them was sent.
    func refillOutbox(_ index: UInt32) {
        let connection = connections[live: index]
        guard let outbox = connection.pointee.outbox, outbox.isEmpty, !outbox.replays.isEmpty else { return }
        let encoding = connection.pointee.encoding
        frame.removeAll()
        outbox.withNextReplay {
            append(&$0, as: encoding, to: &frame)
            return $0.isFinished
        }
        outbox.append(frame.bytes)
    }

    private func append(_ replay: inout Replay, as encoding: Encoding, to buffer: inout ByteBuffer) {
        let end = buffer.count + Replay.aheadBytesMax
        while buffer.count < end, let (publication, topic) = replay.next() {
            encoder.append(
                publication.payload,
                position: publication.position,
                channel: topic.name,
                cursor: encoding.hasCursors ? replay.cursorText.text : nil,
                as: encoding,
                to: &buffer
            )
            metrics.deliveries.add()
        }
    }
}
