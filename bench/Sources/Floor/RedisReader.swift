/// Puts replies together again, however the network cut them.
struct RedisReader {
    /// The start of a reply that has not arrived whole.
    private var incomplete: [UInt8] = []

    /// Hands on every reply that is whole with these bytes.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ take: (RedisReply) -> Void) {
        if incomplete.isEmpty {
            let consumed = RedisReader.takeWhole(bytes, take)
            if consumed < bytes.count { incomplete = Array(bytes[consumed...]) }
        } else {
            incomplete.append(contentsOf: bytes)
            let consumed = incomplete.withUnsafeBytes { RedisReader.takeWhole($0, take) }
            incomplete.removeFirst(consumed)
        }
    }

    /// Returns how many bytes were whole replies.
    private static func takeWhole(_ bytes: UnsafeRawBufferPointer, _ take: (RedisReply) -> Void) -> Int {
        var replies = RedisReplies(bytes)
        while let reply = replies.next() { take(reply) }
        return replies.consumedCount
    }
}
