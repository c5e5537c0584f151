internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What all readers of channels have in common, whatever carries their messages: how a connection becomes one, and what it is
// told besides publications.
extension EdgeReactor {
    /// Changes what a connection speaks, and starts its heartbeats, each at a moment of its own.
    func become(_ encoding: Encoding, _ slot: Slot) {
        let connection = connections[live: slot]
        metrics.connections(of: connection.pointee.client.encoding?.carrier).add(-1)
        metrics.connections(of: encoding.carrier).add()
        connection.pointee.client.encoding = encoding
        if connection.pointee.hasHeartbeats { connection.pointee.link.stopProbing() }
        let half = limits.heartbeatMilliseconds / 2
        let first = limits.heartbeatMilliseconds - UInt64.random(in: 0...half, using: &spread)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: first))
    }

    func appendWelcome(session: SessionToken?, as encoding: Encoding, to buffer: inout ByteBuffer) {
        let welcome = ControlMessage.welcome(
            session: session?.text,
            node: configuration.nodeID,
            heartbeatSeconds: limits.heartbeatMilliseconds / 1_000
        )
        hub.encoder.append(welcome, as: encoding, to: &buffer)
    }

    func sendError(
        _ slot: Slot,
        id: [UInt8]?,
        channel: ChannelName? = nil,
        code: UInt16,
        _ message: String,
        retryMilliseconds: UInt64? = nil
    ) {
        debug(slot, "command refused", ["code": "\(code)", "reason": "\(message)"])
        metrics.rejections.add()
        let error = ControlMessage.error(
            id: id,
            channel: channel?.text,
            code: code,
            message: message,
            retryMilliseconds: retryMilliseconds
        )
        hub.send(error, to: slot.client)
    }

    /// Sends bytes to a connection, behind what already waits for it.
    func write(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) { hub.write(slot.client, bytes) }
}
