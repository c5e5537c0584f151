import Broker

@testable import Backplane

// The bus: heard from the moment a subscription reached Redis.
extension SimulatedBackplane {
    func subscribeAnew() {
        bus.send { [self] in hearsControl = true }
        for channel in wanted { sendSubscribe(channel) }
        bus.send { [self] in
            bus.receive { [self] in
                bus.isGreeted = true
                delegate?.linkChanged()
            }
        }
    }

    private func sendSubscribe(_ channel: ChannelName) {
        bus.send { [self] in
            heard.insert(channel)
            bus.receive { [self] in
                if wanted.contains(channel) { delegate?.subscribed(channel) }
            }
        }
    }

    func subscribe(_ channel: ChannelName) {
        if !wanted.contains(channel) { wanted.append(channel) }
        sendSubscribe(channel)
    }

    func unsubscribe(_ channel: ChannelName) {
        wanted.removeAll { $0 == channel }
        bus.send { [self] in heard.remove(channel) }
    }

    /// Redis publishes.
    func pass(_ publication: Publication, on channel: ChannelName) {
        if heard.contains(channel) { pass { [self] in delegate?.heard(publication, in: channel) } }
        // A channel that nobody knows has no chain by which the loss of its first publication would be seen.
        for pattern in channel.patterns where heard.contains(pattern) {
            bus.receive { [self] in delegate?.heard(publication, in: channel, by: pattern) }
        }
    }

    func pass(_ payload: Payload, on channel: ChannelName) {
        guard heard.contains(channel) else { return }
        pass { [self] in delegate?.heard(payload, in: channel) }
    }

    func passTaken(_ id: SessionID, _ fence: UInt64) {
        guard hearsControl else { return }
        pass { [self] in
            delegate?.taken(id, fence: fence, .attach)
            checkLetGo(of: id, below: fence)
        }
    }

    /// I9: a node that heard of a newer fence holds the session no longer by an older one.
    func checkLetGo(of id: SessionID, below fence: UInt64) {
        guard let held = (delegate as? Uplink)?.sessions[id] else { return }
        simulation.verifier.expect(
            held.fence >= fence,
            .ownership,
            "\(name) holds \(id) by \(held.fence) and was told of \(fence)"
        )
    }

    private func pass(_ action: @escaping () -> Void) {
        let scenario = simulation.scenario
        if simulation.random.once(in: scenario.messageLostOnceIn) { return }
        bus.receive(action)
        if simulation.random.once(in: scenario.messageRepeatedOnceIn) { bus.receive(isInTurn: false, action) }
    }
}
