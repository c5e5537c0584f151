internal import Broker

/// Names of a channel's keys; the hash tag keeps them in one slot.
enum RedisKeys {
    private static let prefix = "perseid:{"
    private static let suffix = "}"

    /// Stream key and pub/sub channel in one.
    static func channel(_ channel: ChannelName) -> String {
        prefix + channel.text + suffix
    }

    /// The channel a pub/sub message came on.
    static func channelName(_ bytes: UnsafeRawBufferPointer) -> ChannelName? {
        guard bytes.count > prefix.utf8.count + suffix.utf8.count else { return nil }
        let name = bytes[prefix.utf8.count..<(bytes.count - suffix.utf8.count)]
        return ChannelName(String(decoding: UnsafeRawBufferPointer(rebasing: name), as: UTF8.self))
    }
}
