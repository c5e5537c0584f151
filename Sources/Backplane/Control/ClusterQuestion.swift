public import Broker
public import Text

/// What whoever runs the cluster asks all nodes about their clients, or has them do.
public struct ClusterQuestion: Sendable, Equatable {
    /// Which clients.
    public enum Subject: Sendable, Equatable {
        /// All that are connected as a user.
        case user(String)
        /// The one that has a session.
        case session(SessionID)
        /// All that come from an address.
        case address(PeerAddress)
    }

    /// What is wanted of them.
    public enum Act: Sendable, Equatable {
        /// To be told what is known of them.
        case describe
        /// That they are sent away, for good or to come back.
        case disconnect(mayReturn: Bool)
        /// That they read a channel from now on, or no longer.
        case subscribe(ChannelName)
        case unsubscribe(ChannelName)
    }

    public let subject: Subject
    public let act: Act

    /// Makes one.
    public init(_ subject: Subject, _ act: Act) {
        self.subject = subject
        self.act = act
    }

    // MARK: As a text

    /// As nodes tell each other: two words, and a third for what has one.
    var text: String {
        let subject =
            switch subject {
            case .user(let name): "u:\(PercentCoding.encode(name))"
            case .session(let id): "s:\(id)"
            case .address(let address): "a:\(address)"
            }
        switch act {
        case .describe: return "describe \(subject)"
        case .disconnect(let mayReturn): return "disconnect \(subject) \(mayReturn ? "return" : "end")"
        case .subscribe(let channel): return "subscribe \(subject) \(PercentCoding.encode(channel.text))"
        case .unsubscribe(let channel): return "unsubscribe \(subject) \(PercentCoding.encode(channel.text))"
        }
    }

    /// Reads the text; `nil` for what a later version may say.
    init?(text: some StringProtocol) {
        let words = text.split(separator: " ")
        guard words.count >= 2, let subject = Subject(word: String(words[1])) else { return nil }
        self.subject = subject
        let last = words.count == 3 ? String(words[2]) : nil
        let channel = last.flatMap { PercentCoding.decode($0) }.flatMap { ChannelName($0) }
        switch (words[0], last, channel) {
        case ("describe", nil, _): act = .describe
        case ("disconnect", "return", _): act = .disconnect(mayReturn: true)
        case ("disconnect", "end", _): act = .disconnect(mayReturn: false)
        case ("subscribe", _, let channel?): act = .subscribe(channel)
        case ("unsubscribe", _, let channel?): act = .unsubscribe(channel)
        default: return nil
        }
    }
}

extension ClusterQuestion.Subject {
    fileprivate init?(word: String) {
        let rest = word.dropFirst(2)
        switch word.prefix(2) {
        case "u:":
            guard let name = PercentCoding.decode(rest) else { return nil }
            self = .user(name)
        case "s:":
            guard let id = SessionID(rest) else { return nil }
            self = .session(id)
        case "a:":
            guard let address = PeerAddress(String(rest)) else { return nil }
            self = .address(address)
        default: return nil
        }
    }
}
