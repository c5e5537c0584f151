import Broker
import Foundation

/// One message that a client got from a node, whatever the transport.
struct Received: Equatable {
    let type: String
    let channel: String
    var position: Position?
    /// A text as it is, any other JSON as its text.
    var data: String?
    /// What it is about, and whether that is there no longer.
    var key: String?
    var isRemoved = false
    /// Whether it was there before its reader came.
    var isSnapshot = false
    var gap: (from: Position, to: Position)?
    var recovered: Bool?
    var node: String?
    var session: String?
    var code: Int?

    /// The cursor that came with it; only streams have it in every message.
    var cursor: String?

    init?(json text: some DataProtocol) {
        guard let fields = try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any],
            let type = fields["type"] as? String
        else { return nil }
        self.type = type
        channel = fields["channel"] as? String ?? ""
        position = Self.position(fields["position"])
        recovered = fields["recovered"] as? Bool
        node = fields["node"] as? String
        session = fields["session"] as? String
        code = fields["code"] as? Int
        if let from = Self.position(fields["from"]), let to = Self.position(fields["to"]) { gap = (from, to) }
        cursor = fields["cursor"] as? String
        key = fields["key"] as? String
        isRemoved = fields["removed"] as? Bool ?? false
        isSnapshot = fields["snapshot"] as? Bool ?? false
        if let value = fields["data"] { data = Self.text(value) }
    }

    private static func position(_ value: Any?) -> Position? { (value as? String).flatMap { Position($0) } }

    private static func text(_ value: Any) -> String {
        if let text = value as? String { return text }
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys]
        let data = (try? JSONSerialization.data(withJSONObject: value, options: options)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    static func == (left: Received, right: Received) -> Bool {
        (left.type, left.channel, left.position, left.data, left.recovered)
            == (right.type, right.channel, right.position, right.data, right.recovered)
    }
}

/// Clients that hold connections and note what they get.
protocol Listeners: Sendable {
    /// All that each client got so far, in order.
    func received() throws -> [[Received]]

    /// The connections that ended, in words; empty while all are open.
    func ended() -> [String]
}

extension Listeners {
    /// The messages that each client got.
    func messages() throws -> [[Received]] {
        try received().map { $0.filter { $0.type == "message" } }
    }

    /// Waits until every client is subscribed to so many channels.
    func opened(channels: Int = 1) async throws {
        try await eventually(
            "all clients are subscribed",
            isTrue: {
                guard ended().isEmpty else { throw WaitedTooLong(description: ended().joined(separator: "\n")) }
                return try received().allSatisfy { $0.count { $0.type == "subscribed" } >= channels }
            }
        )
    }

    /// Waits until one client has this position.
    func reachOne(_ position: Position, _ client: Int) async throws {
        try await eventually(
            "client \(client) is at \(position)",
            isTrue: { try received()[client].contains { $0.position == position } }
        )
    }

    /// Waits until every client's last position in a channel is this one.
    func reach(_ position: Position, in channel: String, within limit: Duration = .seconds(60)) async throws {
        do {
            try await eventually(
                "all clients are at \(position)",
                within: limit,
                isTrue: {
                    try received().allSatisfy { list in
                        list.contains { $0.channel == channel && ($0.position == position || $0.gap?.to == position) }
                    }
                }
            )
        } catch {
            let last = try received().map { $0.last { $0.channel == channel }.map { "\($0)" } ?? "nothing" }
            throw WaitedTooLong(description: "\(error); last of each:\n" + last.joined(separator: "\n"))
        }
    }
}
