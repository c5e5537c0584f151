import Broker

/// What an edge tells a client.
enum Message {
    case welcome(token: Int)
    case subscribed(channel: Int, Position, isRecovered: Bool?)
    case publication(channel: Int, Position, number: Int, isSnapshot: Bool)
    case ephemeral(channel: Int, number: Int)
    case gap(channel: Int, from: Position, to: Position)
    case unsubscribed(channel: Int)
    case refused(channel: Int, code: Int)
    case ping([UInt8])
    case bye(code: Int)

    /// Takes a message of Perseid's JSON.
    init(_ json: JSON) throws(BrokenMessage) {
        switch json["type"]?.text {
        case "welcome": self = .welcome(token: json["session"]?.text.flatMap { Int($0) } ?? 0)
        case "subscribed":
            let isRecovered = json["recovered"]?.bool
            self = .subscribed(
                channel: try Self.channel(json),
                try Self.position(json, "position"),
                isRecovered: isRecovered
            )
        case "message":
            let number = try Self.number(json)
            if json["position"] == nil {
                self = .ephemeral(channel: try Self.channel(json), number: number)
            } else {
                let position = try Self.position(json, "position")
                let isSnapshot = json["snapshot"]?.bool == true
                self = .publication(channel: try Self.channel(json), position, number: number, isSnapshot: isSnapshot)
            }
        case "gap":
            let (from, to) = (try Self.position(json, "from"), try Self.position(json, "to"))
            self = .gap(channel: try Self.channel(json), from: from, to: to)
        case "unsubscribed": self = .unsubscribed(channel: try Self.channel(json))
        case "error":
            // An answer has the number of the channel as its id; who did not ask by a command is told its name.
            let named = json["message"]?.text?.split(separator: " ").first {
                $0.first == "c" && Int($0.dropFirst()) != nil
            }
            guard let code = json["code"]?.number else { throw BrokenMessage() }
            let channel = json["id"]?.number ?? named.flatMap { Int($0.dropFirst()) } ?? SimulatedWatcher.number
            self = .refused(channel: channel, code: code)
        case "bye":
            guard let code = json["code"]?.number else { throw BrokenMessage() }
            self = .bye(code: code)
        default: throw BrokenMessage()
        }
    }

    private static func channel(_ json: JSON) throws(BrokenMessage) -> Int {
        if json["channel"]?.text == SimulatedWatcher.pattern.text { return SimulatedWatcher.number }
        guard let name = json["channel"]?.text, let number = Int(name.dropFirst()) else { throw BrokenMessage() }
        return number
    }

    private static func position(_ json: JSON, _ member: String) throws(BrokenMessage) -> Position {
        guard let position = json[member]?.text.flatMap({ Position($0) }) else { throw BrokenMessage() }
        return position
    }

    private static func number(_ json: JSON) throws(BrokenMessage) -> Int {
        guard let text = json["data"]?.text, let number = text.split(separator: " ").first.flatMap({ Int($0) }) else {
            throw BrokenMessage()
        }
        return number
    }
}

/// Bytes that are no message.
struct BrokenMessage: Error {}
