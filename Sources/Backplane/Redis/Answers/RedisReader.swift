internal import CHiredis

/// Cuts what Redis sends into replies, with hiredis' reader, and bounds what one may be.
///
/// Thread: owned by one link. A reply is kept until it is whole, so what is not bounded here is whatever the other end says:
/// a string announced with 2 GB, a line without an end, an array of two billion elements that hiredis makes room for.
final class RedisReader {
    /// Elements of one reply, in all of its arrays. Our functions answer with some for each publication that one read brings,
    /// and with pages of 500; each costs 72 bytes, however few were sent for it, and those of an array 8 before they come.
    static let elementsMax = 1_048_576

    private let reader: UnsafeMutablePointer<redisReader>?
    private let replyBytesMax: Int

    /// What hiredis makes replies with. Its own for each reader: 72 bytes, for which nothing is shared by threads.
    private let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)

    /// Elements that the reply which is not whole yet may still announce; `functions` count them.
    private let elementsLeft = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    /// Bytes of the reply that is not whole yet, and of those behind it.
    private var waitingByteCount = 0

    init(replyBytesMax: Int) {
        self.replyBytesMax = replyBytesMax
        elementsLeft.initialize(to: Self.elementsMax)
        functions.initialize(to: Self.counting)
        reader = redisReaderCreateWithFunctions(functions)
        // hiredis gives up its buffer when it is larger than this and empty; a busy link should keep it.
        reader?.pointee.maxbuf = 1 << 20
        reader?.pointee.privdata = UnsafeMutableRawPointer(elementsLeft)
    }

    deinit {
        // Frees what is left of a reply, with these functions.
        if let reader { redisReaderFree(reader) }
        functions.deallocate()
        elementsLeft.deallocate()
    }

    /// Takes bytes and hands on each reply that is whole, until `body` says no. Returns what is wrong with what came, which
    /// ends the link.
    func feed(_ bytes: UnsafeRawBufferPointer, _ body: (RedisReply) -> Bool) -> String? {
        guard let reader, let start = bytes.baseAddress else { return "no memory for a reader" }
        guard redisReaderFeed(reader, start.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
            return "no memory for a reply"
        }
        waitingByteCount += bytes.count
        while true {
            var raw: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &raw) == REDIS_OK else { return "not an answer of Redis: \(errorText)" }
            guard let raw else { break }
            defer { freeReplyObject(raw) }
            waitingByteCount = Int(clamping: reader.pointee.len) - Int(clamping: reader.pointee.pos)
            elementsLeft.pointee = Self.elementsMax
            if !body(RedisReply(raw: raw.assumingMemoryBound(to: redisReply.self))) { return nil }
        }
        return waitingByteCount > replyBytesMax ? "an answer of more than \(replyBytesMax) bytes" : nil
    }

    private var errorText: String {
        guard let reader else { return "" }
        return withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: Elements

    /// hiredis' own, which every reader shares.
    private static let usual: redisReplyObjectFunctions = {
        let reader = redisReaderCreate()
        defer { redisReaderFree(reader) }
        return reader?.pointee.fn?.pointee ?? redisReplyObjectFunctions()
    }()

    /// The same as `usual`, but that the elements of an array are counted before room is made for them. An array that is not made is, to
    /// hiredis, a lack of memory.
    private static let counting: redisReplyObjectFunctions = {
        var functions = usual
        functions.createArray = { task, count in
            let elements = Int(clamping: count)
            let left = task?.pointee.privdata?.assumingMemoryBound(to: Int.self)
            guard let left, left.pointee >= elements else { return nil }
            left.pointee -= elements
            return usual.createArray?(task, count)
        }
        return functions
    }()
}
