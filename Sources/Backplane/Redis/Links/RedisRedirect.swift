internal import Text

/// What a node of a Redis Cluster answers instead of doing what it is asked.
///
/// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "Redirection and resharding", and `cluster.c` of
/// Redis 7.0 (`clusterRedirectClient`, `scriptVerifyClusterState`).
enum RedisRedirect: Equatable {
    /// The slot is at this place from now on; the host is empty where it is the host that said so.
    case moved(slot: Int, RedisPlace)
    /// What is asked for is at this place already, while its slot is under way there.
    case ask(RedisPlace)
    /// Some of the keys are under way.
    case tryAgain
    /// The cluster does not serve the slot, or nothing at all.
    case down

    init?(_ error: RedisErrorReply) {
        let words = error.text.split(separator: " ")
        switch words.first {
        case "MOVED":
            guard words.count >= 3, let slot = RedisURL.number(words[1]), (0..<RedisSlot.count).contains(slot),
                let place = Self.place(words[2])
            else { return nil }
            self = .moved(slot: slot, place)
        case "ASK":
            guard words.count >= 3, let place = Self.place(words[2]) else { return nil }
            self = .ask(place)
        case "TRYAGAIN": self = .tryAgain
        case "CLUSTERDOWN": self = .down
        default:
            // A function met a key that is under way, before it wrote anything.
            guard error.text.contains("attempted to access a non local key") else { return nil }
            self = .tryAgain
        }
    }

    /// `10.0.0.1:6379`, `::1:6379` or `:6379`.
    private static func place(_ text: Substring) -> RedisPlace? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        return RedisPlace(host: String(text[..<colon]), port: port)
    }
}
