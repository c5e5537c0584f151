import Broker
import Testing

/// Holds what clients got against what Redis has.
struct Verifier {
    let channel: String

    /// What Redis has at the end, by position.
    private let entries: [Position: RedisServer.Entry]
    private let head: Position

    init(_ channel: String, on redis: RedisServer) async throws {
        self.channel = channel
        let known = try await redis.entries(of: channel)
        entries = Dictionary(uniqueKeysWithValues: known.map { ($0.position, $0) })
        head = known.last?.position ?? .start
    }

    /// Every client got an unbroken chain up to the head: each publication follows the one before it, or an explicit gap
    /// that ends where it begins; and none came twice.
    func checkChains(_ clients: [[Received]], gapsAllowed: Bool = false) throws {
        for (number, received) in clients.enumerated() {
            try checkChain(received.filter { $0.channel == channel }, of: number, gapsAllowed: gapsAllowed)
        }
    }

    private func checkChain(_ received: [Received], of client: Int, gapsAllowed: Bool) throws {
        var last = Position.start
        var seen: Set<String> = []
        for message in received {
            switch message.type {
            case "subscribed": last = try #require(message.position)
            case "gap":
                let gap = try #require(message.gap)
                try #require(gapsAllowed, "client \(client) has a gap from \(gap.from) to \(gap.to)")
                try #require(gap.from == last, "client \(client): the gap does not begin where it is")
                last = gap.to
            case "message":
                guard let position = message.position else { continue }
                let payload = try #require(message.data)
                try #require(position > last, "client \(client): \(payload) at \(position) came after \(last)")
                try #require(seen.insert(payload).inserted, "client \(client): \(payload) came twice")
                if let entry = entries[position] {
                    try #require(entry.payload == payload || entry.payload == "\"\(payload)\"")
                    try #require(entry.previous == last, "client \(client): \(payload) does not follow \(last)")
                } else {
                    try #require(gapsAllowed, "client \(client): Redis does not know \(payload) at \(position)")
                }
                last = position
            default: break
            }
        }
        try #require(last == head, "client \(client) is at \(last)")
    }

    /// What publishers were told is true: Redis has it, where they were told. What was acknowledged before a loss of data
    /// is left out.
    func checkAcknowledged(_ records: [Publisher.Record], after loss: Position = .start) throws {
        for acknowledged in records.flatMap(\.acknowledged) where acknowledged.position > loss {
            let entry = try #require(entries[acknowledged.position], "\(acknowledged) is not in Redis")
            try #require(entry.payload == acknowledged.payload)
        }
    }
}
