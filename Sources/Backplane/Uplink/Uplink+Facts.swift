public import Broker

// What this node says of itself, in a channel that operators read.
extension Uplink {
    /// Tells it to all nodes that hear the channel. While the backplane is away, whoever came to this node hears of this one at least.
    func tellFacts(_ payload: Payload) {
        metrics.factsTold.add()
        guard backplane.isUp else {
            heard(payload, in: .nodes)
            return metrics.factsListeners.set(channels[.nodes] == nil ? 0 : 1)
        }
        backplane.tell(payload, in: .nodes)
    }

    public func told(_ channel: ChannelName, _ listeners: Result<Int, BackplaneFailure>) {
        metrics.factsListeners.set((try? listeners.get()) ?? 0)
    }

    /// Opens a channel that has no history without asking where it stands, while nobody can be asked: whoever wants to know why the
    /// backplane is away is told by this node.
    func openWithoutBackplane(_ channel: WatchedChannel) {
        guard channel.name == .nodes, !backplane.isUp else { return }
        open(channel, HistoryPage(since: nil, publications: [], head: .start))
    }
}
