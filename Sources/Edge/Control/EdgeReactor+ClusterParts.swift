internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What this reactor's clients have to do with a question to all nodes.
extension EdgeReactor {
    /// Does what is asked to one of the clients; says whether it did.
    func act(on slot: Slot, _ act: ClusterQuestion.Act, _ items: inout ByteBuffer) -> Bool {
        switch act {
        case .describe: describe(slot, to: &items)
        case .disconnect(let mayReturn): disconnect(slot, mayReturn: mayReturn)
        case .subscribe(let channel): return subscribe(slot, to: channel)
        case .unsubscribe(let channel): return unsubscribe(slot, from: channel)
        }
        return true
    }

    // MARK: Acts

    private func disconnect(_ slot: Slot, mayReturn: Bool) {
        let connection = connections[live: slot]
        if !mayReturn, let session = connection.pointee.client.session?.id {
            hub.leaveAll(slot.client, .clean)
            let holder = SessionHolder(reactor: number, connection: connections.key(ofLive: slot).token)
            uplink.post(.endSession(session, holder))
        }
        hub.dismiss(
            slot.client,
            mayReturn ? .recalled : .disconnected,
            afterMilliseconds: mayReturn ? drawReconnectMilliseconds() : 0
        )
    }

    /// Only who can be told of a channel that it did not ask for: a WebSocket of this node's own protocol.
    private func isTold(_ slot: Slot) -> Bool {
        let client = connections[live: slot].pointee.client
        return client.has(.isTwoWay) && client.encoding?.hasControlMessages == true
            && bayeuxSockets[connections.key(ofLive: slot)] == nil
    }

    private func subscribe(_ slot: Slot, to channel: ChannelName) -> Bool {
        let client = connections[live: slot].pointee.client
        // bounded: two bytes each
        let count = Int(client.subscriptionCount) + Int(client.joinCount)
        guard isTold(slot), count < limits.channelsPerConnectionMax, !hub.isSubscribed(slot.client, to: channel),
            !channel.isPattern || hub.patternCount(of: slot.client) < limits.patternsPerConnectionMax
        else { return false }
        hub.join(slot.client, [(channel, nil)], commandID: nil)
        return true
    }

    private func unsubscribe(_ slot: Slot, from channel: ChannelName) -> Bool {
        guard isTold(slot), hub.unsubscribe(slot.client, from: channel) else { return false }
        hub.send(.unsubscribed(id: nil, channel: channel.text), to: slot.client)
        return true
    }

    // MARK: Description

    /// A JSON object that says what is known of a client, behind those before it, as long as there is room.
    private func describe(_ slot: Slot, to items: inout ByteBuffer) {
        guard items.count < limits.clusterAnswerBytesMax else { return }
        let connection = connections[live: slot]
        let identity = identity(of: slot)
        if items.count > 0 { items.append(",") }
        items.append("{\"node\":")
        items.appendJSONString(configuration.nodeID)
        items.append(",\"transport\":")
        items.appendJSONString("\(connection.pointee.client.encoding.map { "\($0.carrier.carrier.name)" } ?? "poll")")
        items.append(",\"address\":")
        items.appendJSONString("\(address(of: slot))")
        if let user = identity?.user {
            items.append(",\"user\":")
            items.appendJSONString(user)
        }
        if let session = connection.pointee.client.session?.id {
            items.append(",\"session\":")
            items.appendJSONString("\(session)")
        }
        if let end = identity?.endMilliseconds {
            items.append(",\"expires\":")
            items.append(decimal: end / 1_000)
        }
        items.append(",\"channels\":")
        items.append(list: hub.channels(of: slot.client)) { $1.appendJSONString($0.text) }
        items.append("}")
    }

    /// Who reads by a connection, or asks by it for what it waits for.
    func identity(of slot: Slot) -> Identity? {
        if let known = credentials(of: slot).identity { return known }
        switch pollAskers[connections.key(ofLive: slot).client] {
        case .opening(let opening): return opening.exchange.credentials.identity
        case .hold(let hold): return hold.notes.identity
        case .batch(let batch): return batch.notes.identity
        case nil: return nil
        }
    }
}
