internal import Reactor
internal import TLS
internal import Wire

/// One connection to a node: finds its address, connects to one after the other, agrees on TLS where that is spoken, sends and receives.
///
/// Thread: that of its client. It owns its descriptor until `close`.
final class ClientSocket {
    /// Bytes that are sealed for one send, at most: a record of the longest kind.
    private static let sealedBytesMax = 16_384

    private enum Phase {
        /// Its host's address is asked for.
        case resolving(HostLookup)
        case connecting(Socket)
        /// Connected; with TLS perhaps not agreed yet.
        case connected(Socket)
        case closed
    }

    /// How it ended.
    enum End {
        /// The node ended it, in order.
        case ended
        /// It cannot be made, or broke.
        case failed(String)
    }

    let address: NodeAddress
    let token: UInt64
    private let space: SocketSpace
    private var phase = Phase.closed
    private var endpoints: [Endpoint] = []
    private var failure = "there is no address"
    private var session: TLSSession?

    /// What is to be sent, and how much of it was.
    private var output = ByteBuffer()
    private var sentCount = 0
    private var interest: Readiness = []

    /// Whether nothing is read for a while.
    private var isPaused = false

    /// Whether it was connected, and TLS agreed on: what goes wrong from then on is not for want of a node.
    private(set) var wasConnected = false

    init(to address: NodeAddress, in space: SocketSpace) {
        self.address = address
        self.space = space
        token = space.makeToken()
    }

    /// Begins to connect; `nil` while it goes on.
    func start() -> End? {
        if let endpoint = HostLookup.endpoint(number: address.host, port: address.port) {
            endpoints = [endpoint]
            return connectToNext()
        }
        let lookup = HostLookup()
        phase = .resolving(lookup)
        lookup.begin(host: address.host, port: address.port)
        return nil
    }

    /// Whether it waits for an address, which nothing wakes the thread for.
    var isResolving: Bool {
        if case .resolving = phase { true } else { false }
    }

    /// Takes the address if it is known by now.
    func lookForAddress() -> End? {
        guard case .resolving(let lookup) = phase, let answer = lookup.take() else { return nil }
        switch answer {
        case .failure(let error): return .failed("\(error)")
        case .success(let found):
            endpoints = found
            return connectToNext()
        }
    }

    private func connectToNext() -> End? {
        while let endpoint = endpoints.first {
            endpoints = Array(endpoints.dropFirst())
            do throws(SystemError) {
                let socket = try Socket.connect(to: endpoint)
                phase = .connecting(socket)
                interest = [.write]
                try space.watch(socket.descriptor, token: token, for: interest)
                return nil
            } catch {
                closeDescriptor()
                failure = "\(error)"
            }
        }
        phase = .closed
        return .failed(failure)
    }

    // MARK: Readiness

    /// The socket is ready; hands over what comes. Says how it ended, if it did.
    func ready(_ readiness: Readiness, _ take: (UnsafeRawBufferPointer) -> Void) -> End? {
        if case .connecting(let socket) = phase {
            if let error = socket.connectionError {
                failure = "\(error)"
                closeDescriptor()
                return connectToNext()
            }
            phase = .connected(socket)
            if let end = agree() { return end }
        }
        if let end = flush() { return end }
        guard readiness.contains(.read) || readiness.contains(.failed), !isPaused else { return nil }
        return receive(take)
    }

    private func agree() -> End? {
        guard address.isSecure else {
            wasConnected = true
            return nil
        }
        do throws(TLSFault) {
            session = try space.makeSession(with: address.host)
            return nil
        } catch {
            return .failed("\(error)")
        }
    }

    /// Receives what is there, as much as fits.
    private func receive(_ take: (UnsafeRawBufferPointer) -> Void) -> End? {
        guard case .connected(let socket) = phase else { return nil }
        let room = session?.room() ?? space.buffer
        switch socket.receive(into: room) {
        case .wouldBlock: return nil
        case .endOfStream: return .ended
        case .failed(let code): return .failed("\(SystemError(call: "receive", result: -Int(code)))")
        case .moved(let count):
            guard session != nil else {
                take(UnsafeRawBufferPointer(rebasing: space.buffer[..<count]))
                return nil
            }
            return open(count, take)
        }
    }

    private func open(_ count: Int, _ take: (UnsafeRawBufferPointer) -> Void) -> End? {
        do throws(TLSFault) {
            let opened = try session?.open(count, into: space.buffer) ?? 0
            keepSealed()
            if session?.phase == .open { wasConnected = true }
            if opened > 0 { take(UnsafeRawBufferPointer(rebasing: space.buffer[..<opened])) }
            if session?.isPeerDone == true { return .ended }
            return flush()
        } catch {
            keepSealed()
            _ = flush()
            return .failed("\(error)")
        }
    }

    // MARK: Sending

    /// Sends bytes, or keeps them until they can be.
    func send(_ bytes: UnsafeRawBufferPointer) -> End? {
        output.append(bytes)
        return flush()
    }

    /// Bytes that wait to be sent.
    var unsentByteCount: Int { output.count - sentCount }

    private func flush() -> End? {
        guard case .connected(let socket) = phase else { return nil }
        let end = session == nil ? flushPlain(socket) : flushSealed(socket)
        if unsentByteCount == 0 {
            output.removeAll()
            sentCount = 0
        }
        return end ?? watch(socket)
    }

    private func flushPlain(_ socket: Socket) -> End? {
        while unsentByteCount > 0 {
            switch socket.send(UnsafeRawBufferPointer(rebasing: output.bytes[sentCount...])) {
            case .moved(let count): sentCount += count
            case .wouldBlock, .endOfStream: return nil
            case .failed: return stopSending()
            }
        }
        return nil
    }

    private func flushSealed(_ socket: Socket) -> End? {
        while true {
            var isBroken = false
            let isFlushed = session?.flush { bytes in
                switch socket.send(bytes) {
                case .moved(let count): return count
                case .wouldBlock, .endOfStream: return 0
                case .failed:
                    isBroken = true
                    return 0
                }
            }
            if isBroken { return stopSending() }
            guard isFlushed == true, session?.phase == .open, unsentByteCount > 0 else { return nil }
            let piece = UnsafeRawBufferPointer(rebasing: output.bytes[sentCount...].prefix(Self.sealedBytesMax))
            guard session?.seal(piece) == true else { return .failed("TLS: nothing can be sealed any more") }
            sentCount += piece.count
            keepSealed()
        }
    }

    /// A node that answers before it has read all, as with 413, ends the connection: its answer may still be there. So nothing is sent
    /// any more, and what can be read says how it ended.
    private func stopSending() -> End? {
        output.removeAll()
        sentCount = 0
        return nil
    }

    private func keepSealed() {
        guard let records = session?.records, records.sealedCount > 0 else { return }
        session?.keepSealed(in: 0..<records.sealedCount, sent: 0)
        records.truncate(to: 0)
    }

    // MARK: What it is watched for

    /// Stops reading, or goes on with it.
    func setPaused(_ isPaused: Bool) -> End? {
        guard isPaused != self.isPaused else { return nil }
        self.isPaused = isPaused
        guard case .connected(let socket) = phase else { return nil }
        return watch(socket)
    }

    private func watch(_ socket: Socket) -> End? {
        var wanted: Readiness = isPaused ? [] : [.read]
        if unsentByteCount > 0 || session?.hasUnsent == true { wanted.insert(.write) }
        guard wanted != interest else { return nil }
        do throws(SystemError) {
            // Nothing of one that is not watched at all comes: its failure would, again and again, before anybody may read what it sent.
            if wanted.isEmpty {
                space.forget(socket.descriptor)
            } else if interest.isEmpty {
                try space.watch(socket.descriptor, token: token, for: wanted)
            } else {
                try space.change(socket.descriptor, token: token, to: wanted)
            }
            interest = wanted
            return nil
        } catch {
            return .failed("\(error)")
        }
    }

    /// Closes it; what was not sent is not. One that shook hands says so first, as far as that goes.
    func close() {
        if case .connected(let socket) = phase, session != nil {
            session?.sealEnd()
            keepSealed()
            _ = flushSealed(socket)
        }
        closeDescriptor()
        session = nil
    }

    private func closeDescriptor() {
        switch phase {
        case .connecting(let socket), .connected(let socket): socket.close()
        case .resolving, .closed: break
        }
        phase = .closed
    }
}
