internal import Broker

/// What is under way while the function library is loaded anew, because someone flushed or replaced the functions.
///
/// Thread: owned by the command link. However many requests find them missing, they are loaded once; those wait and are
/// repeated in order, before anything that was asked later. Of one channel nothing is repeated behind what was sent after it
/// and found the functions already: that would reorder what one connection publishes.
struct RedisRepair {
    private(set) var missed: [any RedisCommand] = []
    private var channels: Set<ChannelName> = []
    private var overtaken: Set<ChannelName> = []

    /// A question found the functions missing.
    mutating func miss(_ command: any RedisCommand) {
        missed.append(command)
        if let channel = command.orderedChannel { channels.insert(channel) }
    }

    /// A question that was sent behind them was answered.
    mutating func pass(_ command: any RedisCommand) {
        guard let channel = command.orderedChannel, channels.contains(channel) else { return }
        overtaken.insert(channel)
    }

    /// Whether a question must not be repeated.
    func isOvertaken(_ command: any RedisCommand) -> Bool { command.orderedChannel.map(overtaken.contains) ?? false }
}
