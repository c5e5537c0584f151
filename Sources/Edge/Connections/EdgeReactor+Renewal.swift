internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Whether a stream is so old that its client, who keeps all of it, should get a new one.
    func isStreamOld(_ slot: Slot, _ tick: Tick) -> Bool {
        let connection = connections[live: slot]
        guard connection.pointee.client.has(.isRenewed) else { return false }
        // Those that began together do not end together.
        let allowed = limits.streamMilliseconds - UInt64.random(in: 0...limits.streamMilliseconds / 4, using: &spread)
        return tick.milliseconds(since: connection.pointee.streamTick) >= allowed
    }

    /// Ends a stream behind a whole message; the client goes on from its cursor at once.
    func renewStream(_ slot: Slot) {
        metrics.streamsRenewed.add()
        hub.sayBye(slot.client, .renewed, afterMilliseconds: 0)
    }

    /// Renews the streams that became too long, once a second: a list of them would cost every send a look.
    func renewLongStreams() {
        guard CarrierID.all.contains(where: { isRenewed($0) }) else { return }
        for slot in connections.slots where connections.isLive(slot) {
            let connection = connections[live: slot]
            guard connection.pointee.isOpen, connection.pointee.client.has(.isRenewed) else { continue }
            if keptBytes(of: slot) >= limits.streamBytesMax { renewStream(slot) }
        }
    }

    /// What its client keeps at most: what is compressed is a quarter of that or, where messages are much alike, an eighth.
    private func keptBytes(of slot: Slot) -> Int {
        let connection = connections[live: slot]
        let isCompressed = connection.pointee.client.encoding?.hasContentCoding ?? false
        return Int(connection.pointee.sentBytes) * (isCompressed ? 8 : 1)
    }

    private func isRenewed(_ carrier: CarrierID) -> Bool {
        carrier.traits.contains(.isRenewed) && metrics.connections(of: carrier).value > 0
    }
}
