/// The requests publishers send: written once per source, with the payload completed in place for each publication.
struct PublishRequests {
    private var requests: [[UInt8]]
    private let trailingByteCount: Int
    private let payloadByteCount: Int

    init(plan: Plan) {
        payloadByteCount = plan.payloadByteCount
        trailingByteCount = plan.publishRoute == .http ? 0 : 2
        requests = (0..<plan.traffic.sourceCount).map { source in
            let channel = plan.traffic.channel(ofSource: source)
            let payload = Payload.template(source: source, byteCount: plan.payloadByteCount)
            return PublishRequests.head(plan, channel: channel) + payload
                + (plan.publishRoute == .http ? [] : [13, 10])
        }
    }

    /// Calls `send` with a whole request.
    mutating func withRequest(
        source: Int,
        sequence: UInt32,
        nanoseconds: UInt64,
        _ send: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try requests[source].withUnsafeMutableBytes { bytes in
            let payload = bytes.baseAddress! + bytes.count - trailingByteCount - payloadByteCount
            Payload.stamp(payload, sequence: sequence, nanoseconds: nanoseconds)
            try send(UnsafeRawBufferPointer(bytes))
        }
    }

    private static func head(_ plan: Plan, channel: Int) -> [UInt8] {
        let redisChannel = "perseid:{\(plan.channelName(channel))}"
        let head: String
        switch plan.publishRoute {
        case .http:
            head =
                "POST \(plan.path(plan.publishPath, channel: channel)) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                + "Content-Type: text/plain\r\nContent-Length: \(plan.payloadByteCount)\r\n\r\n"
        case .redisFunction:
            head =
                "*5\r\n" + ["FCALL", "perseid_publish", "1", redisChannel].map(bulk).joined()
                + "$\(plan.payloadByteCount)\r\n"
        case .redisPublish:
            head = "*3\r\n" + ["PUBLISH", redisChannel].map(bulk).joined() + "$\(plan.payloadByteCount)\r\n"
        }
        return Array(head.utf8)
    }

    /// A bulk string of the Redis protocol.
    private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }
}
