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

    /// Somebody came to this node who wants to know: it need not be tried out. While the backplane is away the channel, which has no
    /// history, is opened without asking where it stands: why it is away this node can tell.
    func noteListener(_ channel: WatchedChannel) {
        guard channel.name == .nodes else { return }
        metrics.factsListeners.set(max(metrics.factsListeners.value, 1))
        if !backplane.isUp { open(channel, HistoryPage(since: nil, publications: [], head: .start)) }
    }
}
