internal import Broker
internal import Text

extension Revocation.Target {
    /// As Redis keeps it.
    var word: String {
        switch self {
        case .token(let name): "t:\(PercentCoding.encode(name))"
        case .user(let name): "u:\(PercentCoding.encode(name))"
        }
    }

    /// Undoes that.
    init?(word: some StringProtocol) {
        guard let name = PercentCoding.decode(word.dropFirst(2)) else { return nil }
        switch word.prefix(2) {
        case "t:": self = .token(name)
        case "u:": self = .user(name)
        default: return nil
        }
    }
}

extension Revocation {
    /// Reads `<milliseconds> <target>` and an end.
    init?(words: some StringProtocol, end: some StringProtocol) {
        let words = words.split(separator: " ")
        guard words.count == 2, let milliseconds = UInt64(words[0]), let target = Target(word: words[1]),
            let end = UInt64(end)
        else { return nil }
        self.init(target, milliseconds: milliseconds, endMilliseconds: end)
    }
}

/// What nodes say to each other on their pub/sub channels.
enum RedisControlMessage {
    /// Another node has a session now: `taken <session> <fence> [why]`.
    case taken(SessionID, fence: UInt64, SessionTaking)
    /// `ask <node> <number> <question>`
    case ask(ClusterCall, ClusterQuestion)
    /// `told <number> <count> <what is known>`
    case told(UInt64, ClusterPart)
    /// `revoked <end> <milliseconds> <target>`
    case revoked(Revocation)

    /// Reads one; `nil` for what a later version may say.
    init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count >= 3 else { return nil }
        switch words[0] {
        case "taken":
            guard let session = SessionID(words[1]), let fence = UInt64(words[2]) else { return nil }
            let taking = words.count == 4 ? SessionTaking(rawValue: String(words[3])) : nil
            self = .taken(session, fence: fence, taking ?? .attach)
        case "ask":
            guard words.count == 4, let number = UInt64(words[2]), let question = ClusterQuestion(text: words[3]) else {
                return nil
            }
            self = .ask(ClusterCall(asker: String(words[1]), number: number), question)
        case "told":
            guard words.count == 4, let number = UInt64(words[1]), let count = Int(words[2]), count >= 0 else {
                return nil
            }
            self = .told(number, ClusterPart(count: count, items: Array(words[3].utf8)))
        case "revoked":
            guard words.count == 4,
                let revocation = Revocation(words: "\(words[2]) \(words[3])", end: words[1])
            else { return nil }
            self = .revoked(revocation)
        default: return nil
        }
    }
}
