internal import Broker
internal import CHiredis
internal import Reactor

/// One connection to Redis: our socket on the uplink's seat, hiredis' codec, a reconnect with full jitter.
///
/// Thread: owned by the uplink. Commands are written into `output` and leave in one send at the end of the turn. What
/// comes back goes to `onReply`, in the order Redis sent it.
final class RedisLink {
    /// What a link is doing.
    enum State {
        /// Nothing until this tick.
        case waiting(untilTick: UInt32)
        /// A TCP handshake until this tick.
        case connecting(untilTick: UInt32)
        /// Connected; greeting or in use.
        case connected
    }

    private(set) var state: State
    private let address: RedisAddress
    private let limits: Limits
    private let token: UInt64
    private unowned let seat: ReactorSeat

    private var socket: Socket?
    private var reader: UnsafeMutablePointer<redisReader>?
    private var output = RedisCommandBuffer()
    private var outputSent = 0
    private var attempts: UInt64 = 0

    /// Where reads go before hiredis takes them: large enough to empty a busy socket in few calls.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    /// The link is up and can be written to.
    var onConnected: () -> Void = {}
    /// One reply or message.
    var onReply: (RedisReply) -> Void = { _ in }
    /// The link was lost, or could not be made; it tries again by itself.
    var onLost: (String) -> Void = { _ in }

    init(address: RedisAddress, limits: Limits, token: UInt64, seat: ReactorSeat) {
        self.address = address
        self.limits = limits
        self.token = token
        self.seat = seat
        state = .waiting(untilTick: seat.currentTick)
    }

    deinit {
        close()
        if let reader { redisReaderFree(reader) }
        buffer.deallocate()
    }

    var isConnected: Bool {
        if case .connected = state { true } else { false }
    }

    // MARK: Time

    func tick(_ tick: UInt32) {
        switch state {
        case .waiting(let until) where Int32(bitPattern: tick &- until) >= 0: connect()
        case .connecting(let until) where Int32(bitPattern: tick &- until) >= 0: fail("no connection in time")
        default: break
        }
    }

    func connect() {
        do {
            let socket = try Socket.connect(host: address.host, port: address.port)
            self.socket = socket
            reader = redisReaderCreate()
            // hiredis gives up its buffer when it is larger than this and empty; a busy link should keep it.
            reader?.pointee.maxbuf = 1 << 20
            state = .connecting(untilTick: seat.tick(afterMilliseconds: limits.redisMilliseconds))
            try seat.watch(socket.descriptor, token: token)
        } catch {
            fail("\(error)")
        }
    }

    /// Drops the link and plans the next attempt: evenly between zero and a bound that doubles, so that the nodes of a
    /// cluster do not come back in step.
    func fail(_ reason: String) {
        close()
        if let reader { redisReaderFree(reader) }
        reader = nil
        output.removeAll()
        outputSent = 0
        let bound = min(limits.reconnectMillisecondsMax, limits.reconnectMillisecondsMin << min(attempts, 20))
        attempts += 1
        state = .waiting(untilTick: seat.tick(afterMilliseconds: UInt64.random(in: 0...bound)))
        onLost(reason)
    }

    private func close() {
        guard let socket else { return }
        seat.forget(socket.descriptor)
        socket.close()
        self.socket = nil
    }

    /// Redis greeted us: the next failure is the first again.
    func markHealthy() { attempts = 0 }

    // MARK: Input

    func ready(_ readiness: Readiness) {
        guard let socket else { return }
        if case .connecting = state {
            if let error = socket.connectionError { return fail("\(error)") }
            guard readiness.contains(.write) else { return }
            state = .connected
            onConnected()
        }
        if readiness.contains(.read) || readiness.contains(.failed) { receive() }
        if readiness.contains(.write) { flush() }
    }

    /// Reads in one turn, at most: 1 MiB, some milliseconds of parsing. The thread has clients of its own.
    private static let readsPerTurnMax = 16

    /// Reads until nothing is left. A short read is not the end of it: readiness is told once, so an end of the stream that
    /// came together with the last bytes is found now or not before the next write.
    private func receive() {
        for _ in 0..<Self.readsPerTurnMax {
            guard let socket else { return }
            switch socket.receive(into: buffer) {
            case .moved(let count):
                // bounded: a buffer of a fixed size
                let bytes = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
                guard redisReaderFeed(reader, bytes, count) == REDIS_OK else { return fail("reader is full") }
                takeReplies()
            case .wouldBlock: return
            case .endOfStream: return fail("closed by Redis")
            case .failed(let code): return fail("receive: error \(code)")
            }
        }
        seat.resume(token: token, .read)
    }

    private func takeReplies() {
        while let reader {
            var raw: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &raw) == REDIS_OK else { return fail("protocol error") }
            guard let raw else { return }
            onReply(RedisReply(raw: raw.assumingMemoryBound(to: redisReply.self)))
            freeReplyObject(raw)
        }
    }

    // MARK: Output

    /// Whether all that was written is sent.
    var isFlushed: Bool { output.bytes.isEmpty }

    /// Appends what `body` writes: one whole command.
    func write(_ body: (inout RedisCommandBuffer) -> Void) { body(&output) }

    /// Appends one command. Strings are passed as bytes.
    func send(_ arguments: [RedisArgument]) {
        withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: arguments.count) { pointers in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: arguments.count) { counts in
                format(arguments[...], into: pointers, counts, at: 0)
            }
        }
    }

    /// Nests one buffer access per argument, then lets hiredis write the command.
    private func format(
        _ arguments: ArraySlice<RedisArgument>,
        into pointers: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>,
        _ counts: UnsafeMutableBufferPointer<Int>,
        at index: Int
    ) {
        guard let argument = arguments.first else {
            var command: UnsafeMutablePointer<CChar>?
            // bounded: a command's arguments have limits of their own
            let count = redisFormatCommandArgv(&command, Int32(index), pointers.baseAddress, counts.baseAddress)
            guard count > 0, let command else { return }
            output.append(formatted: UnsafeRawBufferPointer(start: command, count: Int(count)))
            redisFreeCommand(command)
            return
        }
        argument.withBytes { bytes in
            pointers[index] = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            counts[index] = bytes.count
            format(arguments.dropFirst(), into: pointers, counts, at: index + 1)
        }
    }

    /// Blocks until something holds, and sends and receives meanwhile: for the end of a node, which has nothing else to do.
    func settle(withinMilliseconds milliseconds: UInt64, until isDone: () -> Bool) {
        let deadline = Clock.monotonicNanoseconds + milliseconds * 1_000_000
        guard let socket, let poller = try? Poller() else { return }
        guard (try? poller.add(socket.descriptor, token: token, for: [.read, .write])) != nil else { return }
        while !isDone(), isConnected, Clock.monotonicNanoseconds < deadline {
            flush()
            let interest: Readiness = isFlushed ? .read : [.read, .write]
            try? poller.modify(socket.descriptor, token: token, for: interest)
            poller.wait(milliseconds: Self.settlingMilliseconds) { _, readiness in ready(readiness) }
        }
    }

    /// How long nothing may happen before the deadline is looked at.
    private static let settlingMilliseconds: Int32 = 50

    /// Sends what was gathered; what does not fit waits for the socket.
    func flush() {
        guard let socket, isConnected else { return }
        while outputSent < output.bytes.count {
            let outcome = output.bytes.withUnsafeBytes {
                socket.send(UnsafeRawBufferPointer(rebasing: $0[outputSent...]))
            }
            switch outcome {
            case .moved(let count): outputSent += count
            case .wouldBlock: return
            case .endOfStream: return
            case .failed(let code): return fail("send: error \(code)")
            }
        }
        output.removeAll()
        outputSent = 0
    }
}

/// One argument of a command.
enum RedisArgument: ExpressibleByStringLiteral {
    case text(String)
    case bytes([UInt8])

    init(stringLiteral value: String) { self = .text(value) }

    static func number(_ value: UInt64) -> RedisArgument { .text(String(value)) }

    func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        switch self {
        case .text(var text): text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        case .bytes(let bytes): bytes.withUnsafeBytes(body)
        }
    }
}
