internal import CHiredis

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// What Redis, or the way to it, objects.
public struct RedisFailure: Error, CustomStringConvertible {
    /// In its words.
    public let description: String

    /// What that means.
    public var complaint: RedisComplaint { RedisComplaint(description) }
}

/// A connection to Redis that waits for each answer: for the command line, not for a node.
///
/// Thread: of whoever made it, which it blocks.
struct RedisConversation: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>

    /// Time to connect and to answer, in seconds.
    private static let timeoutSeconds = 5

    /// Connects.
    private init(connectingTo address: RedisAddress) throws(RedisFailure) {
        let timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        guard let context = redisConnectWithTimeout(address.host, Int32(address.port), timeout) else {
            throw RedisFailure(description: "out of memory")
        }
        guard context.pointee.err == 0 else {
            let text = Self.text(of: context)
            redisFree(context)
            throw RedisFailure(description: "connect: \(text)")
        }
        redisSetTimeout(context, timeout)
        self.context = context
    }

    /// Connects and says who we are.
    static func begin(with address: RedisAddress) throws(RedisFailure) -> RedisConversation {
        let redis = try RedisConversation(connectingTo: address)
        if let password = address.password {
            _ = try redis.ask(["AUTH"] + (address.user.map { [$0] } ?? []) + [password])
        }
        if address.database != 0 { _ = try redis.ask(["SELECT", String(address.database)]) }
        return redis
    }

    deinit { redisFree(context) }

    /// Sends one command and waits for its answer, a text or a number; of a list, the last.
    func ask(_ arguments: [String]) throws(RedisFailure) -> String {
        let copies = arguments.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) }
        guard let raw = redisCommandArgv(context, Int32(clamping: arguments.count), &pointers, nil) else {
            throw RedisFailure(description: Self.text(of: context))
        }
        defer { freeReplyObject(raw) }
        let reply = RedisReply(raw: raw.assumingMemoryBound(to: redisReply.self))
        if let error = reply.error { throw RedisFailure(description: error) }
        return reply.isInteger ? String(reply.integer) : reply.text
    }

    private static func text(of context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafePointer(to: &context.pointee.errstr) {
            $0.withMemoryRebound(to: CChar.self, capacity: 128) { String(cString: $0) }
        }
    }
}
