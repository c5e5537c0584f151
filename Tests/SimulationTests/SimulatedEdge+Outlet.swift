import Backplane
import Broker
import Hub
import Wire

@testable import Reactor

extension SimulatedEdge: HubOutlet {
    func connection(_ slot: ClientSlot) -> SimulatedConnection { connections[Int(slot.number)] }

    // MARK: Clients

    func client(at slot: ClientSlot) -> UnsafeMutablePointer<Client> {
        assert(!connection(slot).isBuried, "a slot that has no client was asked for")
        return connection(slot).client
    }

    func client(_ id: ClientID) -> UnsafeMutablePointer<Client>? {
        connection(id.slot).isBuried ? nil : connection(id.slot).client
    }

    func id(of slot: ClientSlot) -> ClientID { connection(slot).id }

    // MARK: Time

    var nowMilliseconds: UInt64 { simulation.schedule.now }

    var clockNanoseconds: UInt64 {
        clockLooks += 1
        return nowMilliseconds * 1_000_000 + clockLooks * lookNanoseconds
    }

    var wallMilliseconds: UInt64 { nowMilliseconds }

    // MARK: Bytes

    func send(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot) -> Sent {
        told(connection(slot).send(bytes), of: bytes.count)
    }

    func send(_ parts: [UnsafeRawBufferPointer], to slot: ClientSlot) -> Sent {
        var sent = 0
        for part in parts {
            let taken = connection(slot).send(part)
            sent += taken
            if taken < part.count { break }
        }
        return told(sent, of: parts.reduce(0) { $0 + $1.count })
    }

    var stagedCountMax: Int { 64 }

    func stage(_ bytes: UnsafeRawBufferPointer, to slot: ClientSlot, of member: SubscriptionSlot) {
        staged.append((member, bytes))
    }

    func sendStaged(_ outcome: (_ member: SubscriptionSlot, _ byteCount: Int, Sent) -> Void) {
        let sends = staged
        staged.removeAll()
        // All are made before the first outcome is told, as in a batch.
        let outcomes = sends.map { send in
            let connection = connection(hub.reader(send.member))
            // What begins in the middle of a frame is left as it is: its loss would be found another way.
            let isWhole = connection.client.pointee.unfinished != send.member
            if simulation.sabotage == .dropsPublications, isWhole, simulation.random.once(in: 20) {
                return Sent.moved(send.bytes.count)
            }
            let taken = connection.send(send.bytes)
            if simulation.sabotage == .repeatsPublications, isWhole, taken == send.bytes.count,
                simulation.random.once(in: 20)
            {
                _ = connection.send(send.bytes)
            }
            return told(taken, of: send.bytes.count)
        }
        for (send, sent) in zip(sends, outcomes) { outcome(send.member, send.bytes.count, sent) }
    }

    private func told(_ taken: Int, of count: Int) -> Sent {
        if taken == 0, count > 0 { return .full }
        // The rest of a frame is left out.
        return .moved(simulation.sabotage == .cutsFrames ? count : taken)
    }

    /// A browser's system acknowledges what the browser has not read yet; so that nothing rests on that, this one does not.
    func isAcknowledged(_ slot: ClientSlot) -> Bool { connection(slot).unread.isEmpty }

    func didBlock(_ slot: ClientSlot) {}

    func didUnblock(_ slot: ClientSlot) {
        if connection(slot).client.pointee.lifeCycle == .closing { shut(connection(slot)) }
    }

    func didSendOutbox(_ slot: ClientSlot) {}

    // MARK: Ends

    func closeOverfull(_ slot: ClientSlot, heldBytes: Int) {
        note("\(slot.number) is too slow for its answers")
        close(connection(slot))
    }

    func willSayBye(_ slot: ClientSlot, _ code: ByeCode) { note("bye \(code) to \(slot.number)") }

    func closeWhenSent(_ slot: ClientSlot) {
        let client = client(at: slot)
        guard client.pointee.isOpen else { return }
        hub.beginEnd(of: slot)
        if client.pointee.isClosed { return }
        client.pointee.lifeCycle.advance(to: .closing)
        hub.unsubscribeAll(slot)
        if client.pointee.outbox == nil { shut(connection(slot)) }
    }

    private func shut(_ connection: SimulatedConnection) { connection.client.pointee.lifeCycle.advance(to: .shut) }

    func close(_ connection: SimulatedConnection) {
        guard !connection.isClosed, !isDead else { return }
        note("\(connection.slot.number) is closed")
        connection.client.pointee.lifeCycle.advance(to: .closed)
        hub.remove(connection.slot)
        connection.poll = nil
    }

    func drawReconnectMilliseconds() -> UInt64 { 0 }

    // MARK: Requests

    func didOpenChannel(_ slot: ClientSlot) {}

    func refuse(_ slot: ClientSlot, _ channel: ChannelName, commandID: [UInt8]?, code: UInt16, _ message: String) {
        hub.send(.error(id: commandID, channel: channel.text, code: code, message: message), to: slot)
    }

    func didHold(_ poll: Poll, milliseconds: UInt64) {}

    func isWaitedFor(_ poll: Poll) -> Bool {
        let connection = connection(poll.client.slot)
        return connection.poll != nil && connection.isOpen
    }

    func answer(_ poll: Poll) {
        guard let opening = connection(poll.client.slot).poll else { return }
        var body = ByteBuffer()
        poll.appendBody(to: &body)
        answer(connection(poll.client.slot), status: 200, opening.token, body.bytes)
    }

    func refuse(_ poll: Poll, _ why: PollRefusal) {
        guard isWaitedFor(poll) else { return }
        let status =
            switch why {
            case .unavailable: 503
            case .forbidden, .dismissed: 403
            case .displaced, .released, .ended: 409
            }
        refusePoll(connection(poll.client.slot), status: status)
    }

    func refusePoll(_ connection: SimulatedConnection, status: Int) {
        answer(connection, status: status, nil, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// An answer is a line with its status and its token, as the head has them, and a line of JSON.
    private func answer(
        _ connection: SimulatedConnection,
        status: Int,
        _ token: SimulatedToken?,
        _ body: UnsafeRawBufferPointer
    ) {
        connection.poll = nil
        var answer = ByteBuffer()
        answer.append(Array("\(status) \(token?.number ?? 0)\n".utf8))
        answer.append(body)
        answer.append("\n")
        hub.write(connection.slot, answer.bytes)
        closeWhenSent(connection.slot)
    }

    // MARK: The backplane

    func watch(_ channel: ChannelName) { node.post(.watch(channel, reactor: index)) }

    func unwatch(_ channel: ChannelName) { node.post(.unwatch(channel, reactor: index)) }

    func recover(_ channel: ChannelName, since position: Position) {
        node.post(.recover(channel, since: position, reactor: index, isKeyed: isKeyed(channel)))
    }

    func count(_ channel: ChannelName, subscribers: Int) {
        node.post(.count(channel, reactor: index, subscribers: subscribers))
    }

    func save(_ session: SessionID, of slot: ClientSlot, _ changes: [SessionPosition]) {
        let connection = connection(slot)
        for change in changes where change.position != nil && connection.beginsAnew.contains(change.channel) {
            connection.beginsAnew.remove(change.channel)
            connection.onBeginning(change.channel)
        }
        node.post(.saveSession(session, holder(connection), changes))
    }

    func release(_ session: SessionID, of slot: ClientSlot) {
        node.post(.releaseSession(session, holder(connection(slot))))
    }

    func holder(_ connection: SimulatedConnection) -> SessionHolder {
        SessionHolder(reactor: index, connection: UInt64(connection.slot.number))
    }

    func enter(_ channel: ChannelName, _ slot: ClientSlot, transport: String) {
        let connection = connection(slot)
        let session = connection.client.pointee.session?.id
        node.post(.enter(channel, member(connection), transport: transport, details: [], holder(connection), session))
    }

    func leave(_ channel: ChannelName, _ slot: ClientSlot, _ departure: Departure) {
        node.post(.leave(channel, member(connection(slot)), holder(connection(slot)), departure))
    }

    /// Members that are no sessions.
    static let firstConnectionMember: UInt64 = 1 << 32

    /// A session is one member wherever it is; who has none is one as long as its connection.
    func member(_ connection: SimulatedConnection) -> MemberID {
        guard let link = connection.client.pointee.session, let token = simulation.token(of: link.id) else {
            return MemberID(SimulatedEdge.firstConnectionMember + connection.number)
        }
        return MemberID(UInt64(token))
    }

    // MARK: Rules

    func compression(of channel: ChannelName) -> Compression {
        guard channel.isPattern else { return simulation.scenario.compression(of: simulation.number(of: channel)) }
        return simulation.channels.map { simulation.scenario.compression(of: simulation.number(of: $0)) }.min() ?? .off
    }

    func policy(of channel: ChannelName) -> (policy: SlowReaderPolicy, windowBytesMax: Int) {
        if channel.isPattern { return (.disconnect, simulation.scenario.limits.windowBytesMax) }
        return (
            simulation.scenario.policy(of: simulation.number(of: channel)), simulation.scenario.limits.windowBytesMax
        )
    }

    func isKeyed(_ channel: ChannelName) -> Bool { !channel.isPattern && simulation.isKeyed(channel) }

    func pace(of channel: ChannelName) -> PaceRule { simulation.scenario.keyed.rule }

    func hasPresence(_ channel: ChannelName) -> Bool { channel == simulation.presentChannel }
}
