@testable import Broker
@testable import Wire

/// Messages of Bayeux: as JSON, and as a form.
enum BayeuxChecks {
    private static let countMax = 8

    static func check(_ bytes: [UInt8]) throws {
        for label in [BayeuxBody.Label.json, .form, .other] {
            try withExactCopy(of: bytes) { copy throws in
                guard let all = try? BayeuxBody.messages(in: copy.readOnly, label, countMax: countMax) else { return }
                try require((1...countMax).contains(all.count), "\(all.count) messages")
                for message in all { try check(message) }
            }
        }
    }

    private static func check(_ message: BayeuxMessage) throws {
        try require(message.id?.count ?? 0 <= BayeuxMessage.idBytesMax, "a long id")
        switch message.request {
        case .publish(let channel, let data):
            try require(ChannelName(channel).map { !$0.isPattern } ?? false, "publishes to \(channel)")
            try checkLine(data)
        case .service(let channel, let data):
            try require(ChannelName(channel) != nil, "calls \(channel)")
            if let data { try checkLine(data) }
        case .subscribe(let all), .unsubscribe(let all):
            for each in all {
                let name = ChannelName(each.name)
                try require(name.map { $0.isPattern == each.isPattern } ?? false, "subscribes to \(each.name)")
            }
        case .connect(let connect):
            try checkReply(to: message, clock: connect.ext.clock)
        case .handshake(let handshake):
            try checkReply(to: message, clock: handshake.ext.clock)
        case .disconnect, .faulty: break
        }
        try checkReply(to: message, clock: nil)
    }

    private static func checkLine(_ data: [UInt8]) throws {
        try require(data.withUnsafeBytes { JSONText.kind(of: $0) } != nil, "data that is not JSON")
        try require(!data.contains { $0 < 0x20 }, "data of several lines")
    }

    /// What is echoed in an answer leaves it JSON.
    private static func checkReply(to message: BayeuxMessage, clock: BayeuxClock?) throws {
        var reply = BayeuxReply(to: message)
        if case .faulty(let fault) = message.request { reply.fault = fault }
        reply.clientID = message.clientID
        reply.clock = clock.map { ($0, receivedMilliseconds: 1_700_000_000_000, sentMilliseconds: 1_700_000_000_007) }
        var buffer = ByteBuffer()
        reply.append(to: &buffer)
        try require(
            JSONText.kind(of: buffer.bytes) == .object,
            "an answer that is not JSON: \(String(decoding: buffer.bytes, as: UTF8.self))"
        )
    }
}
