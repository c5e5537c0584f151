internal import Broker
internal import Reactor
internal import TLS

/// One connection to Redis: our socket on the uplink's seat, hiredis' reader, a reconnect with full jitter.
///
/// Thread: owned by the uplink. Commands are written into `output` and leave at the end of the turn. What comes back goes to
/// `onReply`, in the order Redis sent it.
final class RedisLink {
    /// What a link is doing.
    enum State {
        /// Nothing until this tick.
        case waiting(untilTick: Tick)
        /// Nothing any more.
        case ended
        /// Its host's name is looked up, until this tick.
        case lookingUp(untilTick: Tick)
        /// A TCP handshake until this tick.
        case connecting(untilTick: Tick)
        /// What is to be agreed for TLS, until this tick.
        case securing(untilTick: Tick)
        /// Connected; greeting or in use.
        case connected
    }

    private(set) var state: State
    private var address: RedisAddress
    private let limits: Limits
    private let token: UInt64
    private unowned let seat: ReactorSeat

    private var stream: RedisStream?
    private var reader: RedisReader?
    private var output = RedisCommandBuffer()

    // Where to try, and how often that failed
    private let lookup: HostLookup
    private var lookedUp: RedisPlace?
    private var endpoints: ArraySlice<Endpoint> = []
    private var attempts: UInt64 = 0

    /// Where the link is made to, while it is.
    private(set) var endpoint: Endpoint?

    /// Where to try first the next time.
    private var preferred: Endpoint?

    private let room: RedisReadingRoom

    /// How long it may be silent.
    private(set) var patience: RedisPatience

    /// The link is up and can be written to.
    var onConnected: () -> Void = {}
    /// One reply or message.
    var onReply: (RedisReply) -> Void = { _ in }
    /// The link was lost, or could not be made; it tries again by itself.
    var onLost: (String) -> Void = { _ in }

    init(
        address: RedisAddress,
        limits: Limits,
        token: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver = HostLookup.askSystem
    ) {
        self.room = room
        self.address = address
        self.limits = limits
        self.token = token
        self.seat = seat
        patience = RedisPatience(limits: limits)
        lookup = HostLookup(resolver: resolver)
        state = .waiting(untilTick: seat.currentTick)
    }

    deinit {
        close()
    }

    var isConnected: Bool {
        if case .connected = state { true } else { false }
    }

    // MARK: Time

    func tick(_ tick: Tick) {
        switch state {
        case .waiting(let until) where until.isReached(by: tick): connect()
        case .lookingUp(let until): takeAddresses(isLate: until.isReached(by: tick))
        case .connecting(let until) where until.isReached(by: tick): fail("no connection in time")
        case .securing(let until) where until.isReached(by: tick): runOut("no answer in TLS")
        default: break
        }
    }

    // MARK: Connecting

    /// Tries the next address of the host; after the last one the host is looked up anew. While nobody has said where the server is,
    /// it waits for that.
    func connect() {
        guard address.isPlace else { return }
        if case .ended = state { return }
        if let preferred {
            self.preferred = nil
            return connect(to: preferred)
        }
        if let path = address.path { return open { () throws(SystemError) in try Socket.connect(path: path) } }
        if let next = endpoints.popFirst() { return connect(to: next) }
        if let number = HostLookup.endpoint(number: address.host, port: address.port) { return connect(to: number) }
        if lookup.begin(host: address.host, port: address.port) {
            lookedUp = RedisPlace(host: address.host, port: address.port)
        }
        state = .lookingUp(untilTick: seat.tick(afterMilliseconds: limits.redisMilliseconds))
    }

    private func takeAddresses(isLate: Bool) {
        let found = lookup.take()
        // The server has moved while another place was looked up.
        if found != nil, lookedUp != RedisPlace(host: address.host, port: address.port) { return connect() }
        switch found {
        case .success(let found):
            endpoints = found[...]
            if endpoints.isEmpty { fail("\(address.host) has no address") } else { connect() }
        case .failure(let error): fail("\(error)")
        case nil: if isLate { fail("no name server says where \(address.host) is") }
        }
    }

    private func connect(to endpoint: Endpoint) {
        self.endpoint = endpoint
        open { () throws(SystemError) in try Socket.connect(to: endpoint) }
    }

    private func open(_ connect: () throws(SystemError) -> Socket) {
        do throws(SystemError) {
            let socket = try connect()
            do throws(TLSFault) {
                stream = try RedisStream(socket, address)
            } catch {
                socket.close()
                return fail("\(error)")
            }
            reader = RedisReader(replyBytesMax: limits.redisReplyBytesMax)
            state = .connecting(untilTick: seat.tick(afterMilliseconds: limits.redisMilliseconds))
            try seat.watch(socket.descriptor, token: token)
        } catch {
            fail("\(error)")
        }
    }

    /// Drops a link to anywhere else and makes it anew there.
    func follow(to other: Endpoint) {
        guard endpoint != other else { return }
        preferred = other
        guard stream != nil else { return }
        fail("Redis is at \(other) now")
        connect()
    }

    /// The server is somewhere else, or it is now known where: a link to anywhere else is dropped. The next one is made there.
    func aim(at place: RedisPlace) {
        let moved = address.moved(to: place)
        guard moved != address else { return }
        address = moved
        (endpoints, preferred) = ([], nil)
        switch state {
        case .waiting, .ended: return
        case .lookingUp, .connecting, .securing, .connected: fail("Redis is at \(place) now")
        }
    }

    /// The link is needed no longer. Nobody is told.
    func end() {
        close()
        reader = nil
        output.removeAll()
        endpoint = nil
        state = .ended
    }

    /// Drops the link and plans the next attempt: evenly between zero and a bound that doubles with each round of the
    /// addresses, so that the nodes of a cluster do not come back in step.
    func fail(_ reason: String) {
        close()
        reader = nil
        output.removeAll()
        let place = endpoint.map { "\($0)" } ?? address.path ?? "\(address.host):\(address.port)"
        endpoint = nil
        var bound = limits.reconnectMillisecondsMin
        if endpoints.isEmpty {
            // 2^20 times anything is beyond the longest pause; a larger shift would lose bits.
            let doubled = limits.reconnectMillisecondsMin.multipliedReportingOverflow(by: 1 << min(attempts, 20))
            bound = doubled.overflow ? .max : doubled.partialValue
            attempts += 1
        }
        let pause = UInt64.random(in: 0...min(limits.reconnectMillisecondsMax, bound))
        state = .waiting(untilTick: seat.tick(afterMilliseconds: pause))
        onLost("\(place): \(reason)")
    }

    /// Drops the link, for nothing was heard on it for as long as it waits.
    func runOut(_ reason: String) {
        patience.runOut()
        fail(reason)
    }

    /// All that a new link asks for was answered.
    func settle() { patience.settle() }

    private func close() {
        guard let stream else { return }
        seat.forget(stream.descriptor)
        stream.close()
        self.stream = nil
    }

    /// Redis greeted us: the next failure is the first again, and where the host is will be asked anew.
    func markHealthy() {
        attempts = 0
        endpoints = []
    }

    // MARK: Input

    func ready(_ readiness: Readiness) {
        guard let stream else { return }
        if case .connecting = state {
            if let error = stream.connectionError { return fail("\(error)") }
            guard readiness.contains(.write) else { return }
            if stream.isAgreed {
                state = .connected
                onConnected()
            } else {
                state = .securing(untilTick: seat.tick(afterMilliseconds: patience.milliseconds))
            }
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
            guard let stream else { return }
            let received = stream.receive(into: room.bytes)
            noteAgreement()
            switch received {
            case .plain(.moved(let count)): take(UnsafeRawBufferPointer(rebasing: room.bytes[..<count]))
            case .plain(.wouldBlock): return
            case .plain(.endOfStream): return fail("closed by Redis")
            case .plain(.failed(let code)): return fail("\(SystemError(call: "receive", result: -Int(code)))")
            case .nothing: break
            case .broken(let fault): return fail("\(fault)")
            }
        }
        seat.resume(token: token, .read)
    }

    /// What is said first goes out once TLS is agreed on.
    private func noteAgreement() {
        guard case .securing = state, stream?.isAgreed == true else { return }
        state = .connected
        onConnected()
    }

    /// A reply may end the link, and with it the reader; what is left is then nobody's.
    private func take(_ bytes: UnsafeRawBufferPointer) {
        guard let reader else { return }
        let problem = withExtendedLifetime(reader) {
            reader.feed(bytes) { reply in
                onReply(reply)
                return self.reader === reader
            }
        }
        if let problem { fail(problem) }
    }

    // MARK: Output

    /// Bytes that are written and not sent.
    var unsentByteCount: Int { output.byteCount }

    /// Whether all that was written is sent.
    var isFlushed: Bool { output.isEmpty && stream?.hasUnsent != true }

    /// Appends what `body` writes: one whole command.
    func write(_ body: (inout RedisCommandBuffer) -> Void) { body(&output) }

    /// Appends one command.
    func send(_ arguments: [RedisArgument]) { output.append(arguments) }

    /// Blocks until something holds, and sends and receives meanwhile: for the end of a node, which has nothing else to do.
    func settle(withinMilliseconds milliseconds: UInt64, until isDone: () -> Bool) {
        let deadline = Clock.monotonicNanoseconds + milliseconds * 1_000_000
        guard let stream, let poller = try? Poller() else { return }
        guard (try? poller.add(stream.descriptor, token: token, for: [.read, .write])) != nil else { return }
        while !isDone(), isConnected, Clock.monotonicNanoseconds < deadline {
            flush()
            let interest: Readiness = isFlushed ? .read : [.read, .write]
            try? poller.modify(stream.descriptor, token: token, for: interest)
            poller.wait(milliseconds: Self.settlingMilliseconds) { _, readiness in ready(readiness) }
        }
    }

    /// How long nothing may happen before the deadline is looked at.
    private static let settlingMilliseconds: Int32 = 50

    /// Bytes sent in one turn, at most: to a Redis that reads as fast as we write, a backlog of 64 MiB took 30 ms.
    private static let sentBytesPerTurnMax = 1_048_576

    /// Sends what was gathered; what does not fit waits for the socket.
    func flush() {
        guard let stream else { return }
        if stream.hasUnsent, let code = stream.flush() {
            return fail("\(SystemError(call: "send", result: -Int(code)))")
        }
        guard isConnected else { return }
        var left = Self.sentBytesPerTurnMax
        while !output.isEmpty {
            guard left > 0 else { return seat.resume(token: token, .write) }
            switch output.withOldest({ stream.send($0) }) {
            case .moved(let count):
                output.remove(count)
                left -= count
            case .wouldBlock, .endOfStream: return
            case .failed(let code): return fail("\(SystemError(call: "send", result: -Int(code)))")
            }
        }
    }
}

/// Where what a link reads lies before hiredis takes it: large enough to empty a busy socket in few calls. All links of a node share one.
///
/// Thread: owned by the uplink.
final class RedisReadingRoom {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    deinit { bytes.deallocate() }
}

/// One argument of a command.
enum RedisArgument: ExpressibleByStringLiteral {
    case text(String)
    case bytes([UInt8])

    init(stringLiteral value: String) { self = .text(value) }

    static func number(_ value: UInt64) -> RedisArgument { .text(String(value)) }
}
