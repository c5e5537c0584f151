internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Whether a JSON stream is so old that its client should get a new one.
    func isStreamOld(_ index: UInt32, _ tick: UInt32) -> Bool {
        let connection = connections[live: index]
        guard connection.pointee.transport == .jsonStream else { return false }
        // Those that began together do not end together.
        let allowed = limits.streamMilliseconds - UInt64.random(in: 0...limits.streamMilliseconds / 4, using: &spread)
        return milliseconds(from: connection.pointee.streamTick, to: tick) >= allowed
    }

    /// Ends a stream behind a whole message; the client goes on from its cursor at once.
    func renewStream(_ index: UInt32) {
        metrics.streamsRenewed.add()
        sayBye(index, .renewed, afterMilliseconds: 0)
    }

    /// Renews the streams that became too long, once a second: a list of them would cost every send a look.
    func renewLongStreams() {
        guard metrics.jsonStreamConnections.value > 0 else { return }
        for index in 0..<UInt32(clamping: connections.slotCount) where connections.isLive(index) {
            let connection = connections[live: index]
            if connection.pointee.transport == .jsonStream, connection.pointee.sentBytes >= limits.streamBytesMax {
                renewStream(index)
            }
        }
    }
}
