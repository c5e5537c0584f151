internal import CHiredis

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Looks at and loads the function library over a connection of its own that waits for each answer: for the command
/// line, not for a node.
public struct RedisInstaller {
    private let address: RedisAddress

    /// What Redis, or the way to it, objects.
    public struct Failure: Error, CustomStringConvertible {
        /// In its words.
        public let description: String
    }

    /// Time to connect and to answer, in seconds.
    private static let timeoutSeconds = 5

    /// Names the Redis to work on.
    public init(_ address: RedisAddress) {
        self.address = address
    }

    /// The version of the library that is loaded, if one is.
    public func installedVersion() throws(Failure) -> Int? {
        try withConnection { ask throws(Failure) in
            do throws(Failure) {
                // bounded: reads text, and gives nil
                return Int(try ask(["FCALL_RO", "perseid_version", "0"]))
            } catch {
                if error.description.contains("Function not found") { return nil }
                throw error
            }
        }
    }

    /// Loads the library in place of the one that is there.
    public func install() throws(Failure) {
        _ = try withConnection { ask throws(Failure) in
            try ask(["FUNCTION", "LOAD", "REPLACE", String(decoding: RedisFunctions.source, as: UTF8.self)])
        }
    }

    private func withConnection<Answer>(
        _ body: (_ ask: ([String]) throws(Failure) -> String) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        guard let context = redisConnectWithTimeout(address.host, Int32(address.port), timeout) else {
            throw Failure(description: "out of memory")
        }
        defer { redisFree(context) }
        guard context.pointee.err == 0 else { throw Failure(description: Self.text(of: context)) }
        redisSetTimeout(context, timeout)
        let ask = { (arguments: [String]) throws(Failure) -> String in try Self.ask(context, arguments) }
        if let password = address.password { _ = try ask(["AUTH"] + (address.user.map { [$0] } ?? []) + [password]) }
        if address.database != 0 { _ = try ask(["SELECT", String(address.database)]) }
        return try body(ask)
    }

    private static func ask(_ context: UnsafeMutablePointer<redisContext>, _ arguments: [String]) throws(Failure)
        -> String
    {
        let copies = arguments.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) }
        guard let raw = redisCommandArgv(context, Int32(clamping: arguments.count), &pointers, nil) else {
            throw Failure(description: text(of: context))
        }
        defer { freeReplyObject(raw) }
        let reply = RedisReply(raw: raw.assumingMemoryBound(to: redisReply.self))
        if let error = reply.error { throw Failure(description: error) }
        return reply.raw.pointee.type == REDIS_REPLY_INTEGER ? String(reply.integer) : reply.text
    }

    private static func text(of context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafePointer(to: &context.pointee.errstr) {
            $0.withMemoryRebound(to: CChar.self, capacity: 128) { String(cString: $0) }
        }
    }
}
