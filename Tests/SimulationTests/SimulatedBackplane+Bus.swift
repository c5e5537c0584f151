import Broker

@testable import Backplane

// What is heard: a channel at the master that has it, a pattern at each.
extension SimulatedBackplane {
    private func hearers(of channel: ChannelName) -> [SimulatedWay] { channel.isPattern ? ways : [way(to: channel)] }

    func subscribe(_ channel: ChannelName) {
        if !wanted.contains(channel) { wanted.append(channel) }
        if channel.isPattern { heardPatterns[channel] = heardPatterns[channel] ?? [] }
        for way in hearers(of: channel) { way.sendSubscribe(channel) }
    }

    func unsubscribe(_ channel: ChannelName) {
        wanted.removeAll { $0 == channel }
        heardPatterns[channel] = nil
        for way in hearers(of: channel) { way.sendUnsubscribe(channel) }
    }

    /// A pattern is heard once it is at all masters.
    func subscribed(_ channel: ChannelName, by way: SimulatedWay) {
        if channel.isPattern {
            heardPatterns[channel]?.insert(way.redis.number)
            guard heardPatterns[channel]?.count == ways.count else { return }
        }
        delegate?.subscribed(channel)
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
}
