/// Cuts what a socket brought into frames.
struct MessageReader {
    private var bytes: [UInt8] = []
    private var taken = 0

    mutating func append(_ news: [UInt8]) {
        bytes.removeFirst(taken)
        taken = 0
        bytes += news
    }

    /// The next whole frame.
    mutating func next() throws(BrokenFrame) -> Message? {
        guard bytes.count - taken >= 8 else { return nil }
        var byteCount = 0
        let rest = bytes[taken...]
        let outcome: Result<Message?, BrokenFrame> = rest.withUnsafeBytes { pointer in
            do throws(BrokenFrame) {
                return .success(try Message(first: pointer, byteCount: &byteCount))
            } catch {
                return .failure(error)
            }
        }
        taken += byteCount
        return try outcome.get()
    }
}
