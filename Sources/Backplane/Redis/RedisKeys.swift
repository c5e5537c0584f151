internal import Broker
internal import Text

/// Names of keys and pub/sub channels; the hash tag keeps a channel's keys in one slot.
///
/// A name stands in its tag with `%`, `{` and `}` as `%25`, `%7B` and `%7D`, as the function library expects it: so the tag
/// is whole, and no name reaches the keys of another. Names without them, which is nearly all, stand there as they are.
struct RedisKeys: Sendable {
    /// The prefix of nodes that were told no other.
    static let usualPrefix = "perseid"

    /// What all names begin with.
    let prefix: String
    private let channelPrefix: String
    private let sessionPrefix: String
    private let suffix = "}"

    /// Redis' pub/sub knows no databases: who publishes in one is heard in all. So the number of a database other than 0 is
    /// part of the prefix, and clusters in several databases of one Redis do not hear each other.
    init(prefix: String = usualPrefix, database: Int = 0) {
        self.prefix = database == 0 ? prefix : "\(prefix)@\(database)"
        channelPrefix = self.prefix + ":{"
        sessionPrefix = self.prefix + ":session:{"
    }

    /// Stream key and pub/sub channel in one.
    func channel(_ channel: ChannelName) -> String {
        channelPrefix + Self.encode(channel.text) + suffix
    }

    /// What an idempotency key got in the channel of a key.
    func once(_ channelKey: String, _ key: String) -> String { channelKey + onceEnding(key) }

    /// What stands behind the channel's key there.
    func onceEnding(_ key: String) -> String { Self.onceMark + Self.encode(key) }

    /// What every such ending begins with.
    static let onceMark = ":once:"

    /// Whether it is a channel's or a session's: what goes along when these have another master.
    func isMovable(_ key: String) -> Bool { key.hasPrefix(channelPrefix) || key.hasPrefix(sessionPrefix) }

    /// A channel's name as it stands in its tag.
    func tag(of channel: ChannelName) -> String { Self.encode(channel.text) }

    /// Undoes that.
    func channelName(tag: UnsafeRawBufferPointer) -> ChannelName? { Self.decode(tag).flatMap { ChannelName($0) } }

    func session(_ id: SessionID) -> String { "\(sessionPrefix)\(id)}" }

    /// What a node that lives says of itself; and the pub/sub channel on which it is told what concerns it alone.
    func node(_ id: String) -> String { "\(prefix):node:\(id)" }

    /// The pub/sub channel that all nodes hear.
    var nodes: String { "\(prefix):nodes" }

    /// Tokens that were taken back.
    var revoked: String { "\(prefix):revoked" }

    /// What is planned to be moved from a master to others.
    var moves: String { "\(prefix):moves" }

    /// Wills by the end of their lease, and the entries of one: in one slot, whoever's they are.
    var wills: String { "\(prefix):will:{wills}" }
    func will(_ name: String) -> String { "\(wills):\(name)" }

    /// The pub/sub channel that one process listens to, of all that may go by a node's name: it tells whether that one lives.
    func incarnation(_ incarnation: String, of id: String) -> String { "\(node(id)):\(incarnation)" }

    /// What tickets of TLS are sealed with in a stretch of time.
    func tickets(_ turn: UInt64) -> String { "\(prefix):tickets:\(turn)" }

    /// What somebody has of what is limited in the cluster.
    func rate(_ limit: String, of who: SecretHash) -> String { "\(prefix):rate:\(limit):\(who.text)" }

    /// What `perseid check` tries its rights on, and leaves nothing of.
    func check(_ name: String) -> String { "\(prefix):check:\(name)" }

    /// The channel a pub/sub message came on.
    func channelName(_ bytes: UnsafeRawBufferPointer) -> ChannelName? {
        let ends = (channelPrefix.utf8, suffix.utf8)
        guard bytes.count > ends.0.count + ends.1.count, bytes.starts(with: ends.0) else { return nil }
        let name = UnsafeRawBufferPointer(rebasing: bytes[ends.0.count..<(bytes.count - ends.1.count)])
        return Self.decode(name).flatMap { ChannelName($0) }
    }

    // MARK: Names in tags

    private static let percent = UInt8(ascii: "%")

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte == percent || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}")
    }

    private static func encode(_ name: String) -> String { PercentCoding.encode(name, where: isEscaped) }

    /// Undoes `encode`; `nil` for what it never makes.
    private static func decode(_ tag: UnsafeRawBufferPointer) -> String? {
        guard tag.contains(percent) else { return String(validating: tag, as: UTF8.self) }
        guard let name = PercentCoding.decode(tag.bindMemory(to: UInt8.self).span) else { return nil }
        return encode(name).utf8.elementsEqual(tag) ? name : nil
    }
}
