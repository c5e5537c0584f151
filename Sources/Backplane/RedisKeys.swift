internal import Broker

/// Names of keys and pub/sub channels; the hash tag keeps a channel's keys in one slot.
enum RedisKeys {
    private static let prefix = "perseid:{"
    private static let suffix = "}"

    /// Stream key and pub/sub channel in one.
    static func channel(_ channel: ChannelName) -> String {
        prefix + channel.text + suffix
    }

    static func session(_ id: SessionID) -> String { "perseid:session:{\(id)}" }

    /// What a node that lives says of itself; and the pub/sub channel on which it is told what concerns it alone.
    static func node(_ id: String) -> String { "perseid:node:" + id }

    /// The channel a pub/sub message came on.
    static func channelName(_ bytes: UnsafeRawBufferPointer) -> ChannelName? {
        guard bytes.count > prefix.utf8.count + suffix.utf8.count, bytes.starts(with: prefix.utf8) else { return nil }
        let name = bytes[prefix.utf8.count..<(bytes.count - suffix.utf8.count)]
        return ChannelName(String(decoding: UnsafeRawBufferPointer(rebasing: name), as: UTF8.self))
    }
}
