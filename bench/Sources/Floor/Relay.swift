/// What makes the floor one node of several: publications go out to Redis and come back on every node.
///
/// There is no history, no function and no recovery, so what is left is the cost of Redis and the kernel; a lost Redis
/// ends the floor.
final class Relay {
    private let publishing: RedisConnection
    // A connection that subscribes may not do anything else.
    private let subscription: RedisConnection
    private var waitingClients = WaitingClients()

    init(port: UInt16, poller: Int32) throws {
        publishing = try RedisConnection(port: port, poller: poller)
        subscription = try RedisConnection(port: port, poller: poller)
    }

    func owns(_ descriptor: Int32) -> Bool {
        descriptor == publishing.descriptor || descriptor == subscription.descriptor
    }

    func publish(_ payload: UnsafeRawBufferPointer, to channelName: String, for client: Int32) {
        publishing.commands.publish(payload, to: channelName)
        waitingClients.append(client)
    }

    func subscribe(to channelName: String) { subscription.commands.subscribe(to: channelName) }

    func forget(_ client: Int32) { waitingClients.forget(client) }

    func flush() throws {
        try publishing.flush()
        try subscription.flush()
    }

    /// Reads from one of the two connections: who is answered and whether Redis took the publication, or what was
    /// published.
    func receive(
        from descriptor: Int32,
        by buffer: UnsafeMutableRawBufferPointer,
        answer: (_ client: Int32, _ isTaken: Bool) -> Void,
        deliver: (_ payload: UnsafeRawBufferPointer, _ channelName: String) -> Void
    ) throws {
        if descriptor == publishing.descriptor {
            try publishing.receive(by: buffer) { reply in
                guard let client = waitingClients.takeFirst() else { return }
                if case .integer = reply { answer(client, true) } else { answer(client, false) }
            }
        } else {
            try subscription.receive(by: buffer) { reply in
                guard let message = RedisMessage(reply) else { return }
                deliver(message.payload, message.channelName)
            }
        }
    }
}
