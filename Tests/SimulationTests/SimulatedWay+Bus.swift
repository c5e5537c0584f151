import Broker

@testable import Backplane

// The bus: heard from the moment a subscription reached Redis.
extension SimulatedWay {
    func subscribeAnew() {
        bus.send { [self] in hearsControl = true }
        let isDeaf = simulation.sabotage == .staysDeaf && redis.number > 0 && wasHeard
        wasHeard = true
        for channel in backplane.wanted where isHeardHere(channel) && !isDeaf { sendSubscribe(channel) }
        bus.send { [self] in
            bus.receive { [self] in
                bus.isGreeted = true
                backplane.delegate?.linkChanged()
            }
        }
    }

    private func isHeardHere(_ channel: ChannelName) -> Bool {
        channel.isPattern || simulation.master(of: channel) === redis
    }

    func sendSubscribe(_ channel: ChannelName) {
        bus.send { [self] in
            heard.insert(channel)
            bus.receive { [self] in
                if backplane.wanted.contains(channel) { backplane.subscribed(channel, by: self) }
            }
        }
    }

    func sendUnsubscribe(_ channel: ChannelName) { bus.send { [self] in heard.remove(channel) } }

    /// Redis publishes.
    func pass(_ publication: Publication, on channel: ChannelName) {
        if heard.contains(channel) { pass { [self] in backplane.delegate?.heard(publication, in: channel) } }
        // A channel that nobody knows has no chain by which the loss of its first publication would be seen.
        for pattern in channel.patterns where heard.contains(pattern) {
            bus.receive { [self] in backplane.delegate?.heard(publication, in: channel, by: pattern) }
        }
    }

    func pass(_ payload: Payload, on channel: ChannelName) {
        guard heard.contains(channel) else { return }
        pass { [self] in backplane.delegate?.heard(payload, in: channel) }
    }

    func passTaken(_ id: SessionID, _ fence: UInt64) {
        guard hearsControl else { return }
        pass { [self] in
            backplane.delegate?.taken(id, fence: fence, .attach)
            backplane.checkLetGo(of: id, below: fence)
        }
    }

    private func pass(_ action: @escaping () -> Void) {
        let scenario = simulation.scenario
        if simulation.random.once(in: scenario.messageLostOnceIn) { return }
        bus.receive(action)
        if simulation.random.once(in: scenario.messageRepeatedOnceIn) { bus.receive(isInTurn: false, action) }
    }
}
