internal import CBench

/// One connection to Redis: commands gather until the end of the tick, and nobody waits for a reply to send the next.
final class RedisConnection {
    let descriptor: Int32
    var commands = RedisCommands()
    private let poller: Int32
    private var reader = RedisReader()
    /// Redis takes less than it is sent; the poller says when it takes more.
    private var isBlocked = false

    private static let patienceNanoseconds: Int64 = 5_000_000_000

    /// Connects to a loopback port and waits for it: a floor that listens has its Redis.
    ///
    /// `poller` must have nothing else to report yet.
    init(port: UInt16, poller: Int32) throws {
        let action = "connect to Redis on port \(port)"
        self.poller = poller
        descriptor = try checked(bench_connect(nil, "127.0.0.1", port), action)
        _ = try checked(bench_epoll_add(poller, descriptor, EPOLLOUT.rawValue, UInt64(descriptor)), action)
        var event = epoll_event()
        let count = try checked(bench_epoll_wait(poller, &event, 1, RedisConnection.patienceNanoseconds), action)
        guard count == 1 else { throw SystemError(action: action, code: ETIMEDOUT) }
        _ = try checked(bench_socket_error(descriptor), action)
        _ = try checked(bench_epoll_modify(poller, descriptor, EPOLLIN.rawValue, UInt64(descriptor)), action)
    }

    /// Sends what has gathered; what Redis does not take now is tried again in later ticks.
    func flush() throws {
        guard !commands.bytes.isEmpty else { return }
        let sent = commands.bytes.withUnsafeBytes { bench_send(descriptor, $0.baseAddress!, $0.count) }
        guard sent >= 0 || sent == -Int(EAGAIN) else { throw SystemError(action: "send to Redis", code: Int32(-sent)) }
        commands.removeFirst(max(sent, 0))
        try setBlocked(!commands.bytes.isEmpty)
    }

    private func setBlocked(_ isBlocked: Bool) throws {
        guard isBlocked != self.isBlocked else { return }
        self.isBlocked = isBlocked
        let events = isBlocked ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue
        _ = try checked(bench_epoll_modify(poller, descriptor, events, UInt64(descriptor)), "poll Redis")
    }

    /// Reads what has come by way of `buffer`, and hands on every whole reply.
    func receive(by buffer: UnsafeMutableRawBufferPointer, _ take: (RedisReply) -> Void) throws {
        let count = bench_receive(descriptor, buffer.baseAddress!, buffer.count)
        if count == -Int(EAGAIN) { return }
        // Without recovery the floor has nothing left to relay.
        guard count > 0 else {
            throw SystemError(action: "receive from Redis", code: count == 0 ? ECONNRESET : Int32(-count))
        }
        reader.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]), take)
    }
}
