/// Commands in the Redis protocol that have not been sent: what one tick brings leaves in one call.
struct RedisCommands {
    private(set) var bytes: [UInt8] = []

    mutating func publish(_ payload: UnsafeRawBufferPointer, to channelName: String) {
        appendCount(3, kind: "*")
        append("PUBLISH")
        append(channelName)
        append(payload)
    }

    mutating func subscribe(to channelName: String) {
        appendCount(2, kind: "*")
        append("SUBSCRIBE")
        append(channelName)
    }

    mutating func removeFirst(_ count: Int) { bytes.removeFirst(count) }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(_ argument: UnsafeRawBufferPointer) {
        appendCount(argument.count, kind: "$")
        bytes.append(contentsOf: argument)
        bytes.append(contentsOf: "\r\n".utf8)
    }

    private mutating func appendCount(_ count: Int, kind: Character) {
        bytes.append(contentsOf: "\(kind)\(count)\r\n".utf8)
    }
}
