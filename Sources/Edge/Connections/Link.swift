internal import Reactor
internal import TLS

/// The way between a connection and its peer: the only type of the edge that sends and receives, so that what changes the bytes
/// on their way, as encryption does, has one place to be.
///
/// Thread: owned by one reactor. Size: 12 bytes. It does not close itself: its connection says when.
///
/// With TLS, what is said to have been sent is encrypted and can no longer be taken back. What the socket did not take of that waits
/// here (`hasUnsent`), and nothing else is taken before it is sent.
struct Link {
    /// What encrypts; `nil` for a link in plain. A pointer and no reference, so that a link in plain counts none.
    private var session: UnsafeMutablePointer<TLSSession>?
    private let socket: Socket

    /// Bytes that are encrypted for one send, at most: one record of the longest kind. What the socket does not take of it is kept for
    /// this connection alone.
    private static let sealedBytesMax = 16_384

    /// A link in plain.
    init(_ socket: Socket) { (session, self.socket) = (nil, socket) }

    /// A link with TLS, whose handshake has yet to come.
    init(_ socket: Socket, _ context: TLSContext, _ records: TLSRecords) {
        let session = UnsafeMutablePointer<TLSSession>.allocate(capacity: 1)
        session.initialize(to: TLSSession(server: context, records))
        (self.session, self.socket) = (session, socket)
    }

    // MARK: Bytes

    /// Receives what is there, as much as fits. With TLS nothing may come of it although something was received.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer {
        guard let session else { return socket.receive(into: buffer) }
        return Self.receive(into: buffer, session, socket)
    }

    /// Shows what waits in front of everything else, as it came by the wire, and leaves it there.
    func peekRaw(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer { socket.peek(into: buffer) }

    /// Receives what was shown.
    func receiveRaw(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer { socket.receive(into: buffer) }

    /// Sends a run of bytes, as much as is taken.
    func send(_ bytes: UnsafeRawBufferPointer) -> Socket.Transfer {
        guard let session, !session.pointee.isSealedByKernel else { return socket.send(bytes) }
        return Self.send(bytes, session, socket)
    }

    /// Sends several runs together, as much as is taken.
    func send(_ parts: UnsafeMutableBufferPointer<OutputPart>) -> Socket.Transfer {
        guard let session, !session.pointee.isSealedByKernel else { return socket.send(parts) }
        return Self.send(parts, session, socket)
    }

    /// Notes a send for a batch. The bytes must stay where they are until that is submitted.
    func add(_ bytes: UnsafeRawBufferPointer, to batch: inout SendBatch, token: SendBatch.Token) {
        batch.add(socket, bytes, token: token)
    }

    // MARK: The peer

    /// Whether the peer will say no more, or is gone. With TLS this is known of one that is gone without a word; what a peer says of its
    /// end is read as all else.
    var isEnded: Bool { socket.isEnded }

    /// Whether the peer's system has acknowledged everything that was sent.
    var isAcknowledged: Bool { !hasUnsent && socket.isAcknowledged }

    /// Bytes that were sent and that the peer's system has not acknowledged.
    var unacknowledgedBytes: Int { socket.unacknowledgedBytes + (session?.pointee.unsentByteCount ?? 0) }

    /// Milliseconds since the peer's system was heard of; `nil` where that is not known.
    var silenceMilliseconds: UInt64? { socket.silenceMilliseconds }

    /// Has the kernel no longer ask the peer for signs of life: whoever is sent something all the time is asked by that.
    func stopProbing() { socket.stopProbing() }

    /// The `errno` of a connection that broke; 0 while it has not.
    var failureCode: Int32 { socket.connectionError?.code ?? 0 }

    // MARK: Being watched, and the end

    /// What a poller knows it by.
    var descriptor: Int32 { socket.descriptor }

    /// Ends our direction; the peer reads an end of stream.
    func shutdownWriting() {
        if let session { Self.sayEnd(session, socket) }
        socket.shutdownWriting()
    }

    /// Has `close` drop what is unsent, and reset the connection.
    func makeCloseAbortive() { socket.makeCloseAbortive() }

    /// Ends the connection.
    mutating func close() {
        if let session {
            Self.sayEnd(session, socket)
            session.deinitialize(count: 1)
            session.deallocate()
        }
        session = nil
        socket.close()
    }
}

// MARK: - TLS

extension Link {
    /// Whether bytes go through encryption.
    var isSecure: Bool { session != nil }

    /// Whether what is sent is encrypted here, and not by the kernel.
    var isSealedHere: Bool { session.map { !$0.pointee.isSealedByKernel } ?? false }

    /// Whether it is not agreed yet how.
    var isHandshaking: Bool { session?.pointee.phase == .handshaking }

    /// Whether the peer did not keep to it.
    var isBroken: Bool { session?.pointee.phase == .broken }

    /// Whether the peer said that it will say no more.
    var isPeerDone: Bool { session?.pointee.isPeerDone ?? false }

    /// Whether what was encrypted waits for the socket.
    var hasUnsent: Bool { session?.pointee.hasUnsent ?? false }

    /// Whether it holds memory for a record that has not come as a whole.
    var holdsPartialRecord: Bool { session.map { $0.pointee.partialByteCount > 0 } ?? false }

    /// Whether what was agreed another time is gone on with.
    var isResumed: Bool { session?.pointee.isResumed ?? false }

    /// What the client's certificate says, if it showed one.
    var peerCertificate: PeerCertificate? { session?.pointee.peerCertificate }

    /// Sends what waits for the socket, as much as is taken.
    func flush() -> Socket.Transfer {
        guard let session else { return .wouldBlock }
        return Self.flush(session, socket)
    }

    private typealias Session = UnsafeMutablePointer<TLSSession>

    private static func receive(
        into plain: UnsafeMutableRawBufferPointer,
        _ session: Session,
        _ socket: Socket
    ) -> Socket.Transfer {
        if session.pointee.isPeerDone { return .endOfStream }
        let received = socket.receive(into: session.pointee.room())
        guard case .moved(let count) = received else { return received }
        let (start, wasHandshaking) = (session.pointee.records.sealedCount, session.pointee.phase == .handshaking)
        do throws(TLSFault) {
            let opened = try session.pointee.open(count, into: plain)
            if case .failed(let code) = sendSealed(from: start, session, socket) { return .failed(code) }
            if wasHandshaking, session.pointee.records.asksKernel { leaveSealingToKernel(session, socket) }
            if opened > 0 { return .moved(opened) }
            return session.pointee.isPeerDone ? .endOfStream : .wouldBlock
        } catch {
            // What the peer is told of it, an alert, is all that is left to say.
            _ = sendSealed(from: start, session, socket)
            return .failed(SystemError.protocolErrorCode)
        }
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, _ session: Session, _ socket: Socket) -> Socket.Transfer {
        var moved = 0
        while moved < bytes.count {
            let end = min(bytes.count, moved + sealedBytesMax)
            switch sealAndSend(UnsafeRawBufferPointer(rebasing: bytes[moved..<end]), session, socket) {
            case .moved(let count): moved += count
            case .wouldBlock, .endOfStream: return moved > 0 ? .moved(moved) : .wouldBlock
            case .failed(let code): return .failed(code)
            }
            if session.pointee.hasUnsent { break }
        }
        return .moved(moved)
    }

    /// Many small runs go into one record.
    private static func send(
        _ parts: UnsafeMutableBufferPointer<OutputPart>,
        _ session: Session,
        _ socket: Socket
    ) -> Socket.Transfer {
        if parts.count == 1 {
            return send(UnsafeRawBufferPointer(start: parts[0].start, count: parts[0].count), session, socket)
        }
        return withUnsafeTemporaryAllocation(byteCount: sealedBytesMax, alignment: 16) { room in
            var (moved, filled) = (0, 0)
            for part in parts {
                var rest = UnsafeRawBufferPointer(start: part.start, count: part.count)
                while rest.count > 0 {
                    let count = min(rest.count, room.count - filled)
                    UnsafeMutableRawBufferPointer(rebasing: room[filled...]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: rest[..<count])
                    )
                    filled += count
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                    guard filled == room.count else { continue }
                    switch sealAndSend(UnsafeRawBufferPointer(room), session, socket) {
                    case .moved(let count): moved += count
                    case .wouldBlock, .endOfStream: return moved > 0 ? .moved(moved) : .wouldBlock
                    case .failed(let code): return .failed(code)
                    }
                    filled = 0
                    if session.pointee.hasUnsent { return .moved(moved) }
                }
            }
            guard filled > 0 else { return .moved(moved) }
            let last = sealAndSend(UnsafeRawBufferPointer(rebasing: room[..<filled]), session, socket)
            switch last {
            case .moved(let count): return .moved(moved + count)
            case .wouldBlock, .endOfStream: return moved > 0 ? .moved(moved) : .wouldBlock
            case .failed: return last
            }
        }
    }

    /// Encrypts and sends; all or nothing, unless something waits.
    private static func sealAndSend(
        _ bytes: UnsafeRawBufferPointer,
        _ session: Session,
        _ socket: Socket
    ) -> Socket.Transfer {
        if session.pointee.hasUnsent {
            let flushed = flush(session, socket)
            if case .failed = flushed { return flushed }
            if session.pointee.hasUnsent { return .wouldBlock }
        }
        let start = session.pointee.records.sealedCount
        guard session.pointee.seal(bytes) else { return .failed(SystemError.protocolErrorCode) }
        if case .failed(let code) = sendSealed(from: start, session, socket) { return .failed(code) }
        return .moved(bytes.count)
    }

    /// Has the kernel seal, if it can: the log of a fan-out is then sent as it is.
    private static func leaveSealingToKernel(_ session: Session, _ socket: Socket) {
        guard let parameters = session.pointee.kernelParameters(), socket.sealInKernel(parameters) else { return }
        session.pointee.leaveSealingToKernel()
    }

    /// Sends what was sealed, and keeps what is not taken.
    private static func sendSealed(from start: Int, _ session: Session, _ socket: Socket) -> Socket.Transfer {
        if let alert = session.pointee.takeAlert() { return socket.sendAlert(level: alert.level, alert.number) }
        let records = session.pointee.records
        guard records.sealedCount > start else { return .wouldBlock }
        defer { records.truncate(to: start) }
        var outcome = Socket.Transfer.wouldBlock
        if !session.pointee.hasUnsent { outcome = socket.send(records.sealed(from: start)) }
        session.pointee.keepSealed(in: start..<records.sealedCount, sent: Self.count(outcome))
        return outcome
    }

    private static func flush(_ session: Session, _ socket: Socket) -> Socket.Transfer {
        var outcome = Socket.Transfer.wouldBlock
        _ = session.pointee.flush { bytes in
            outcome = socket.send(bytes)
            return count(outcome)
        }
        return outcome
    }

    private static func count(_ transfer: Socket.Transfer) -> Int {
        if case .moved(let count) = transfer { count } else { 0 }
    }

    /// Says that there will be no more, if there is room for that. A peer that reads nothing hears of it by the end of the stream.
    private static func sayEnd(_ session: Session, _ socket: Socket) {
        let start = session.pointee.records.sealedCount
        session.pointee.sealEnd()
        _ = sendSealed(from: start, session, socket)
    }

    // MARK: Many at a time

    /// Encrypts for a send in a batch: what lies in the records between two places. `nil` if nothing can be now, for what was encrypted
    /// before waits.
    func seal(_ bytes: UnsafeRawBufferPointer) -> (range: Range<Int>, byteCount: Int)? {
        guard let session, !session.pointee.hasUnsent else { return nil }
        let start = session.pointee.records.sealedCount
        let count = min(bytes.count, Self.stagedBytesMax)
        guard session.pointee.seal(UnsafeRawBufferPointer(rebasing: bytes[..<count])) else { return nil }
        return (start..<session.pointee.records.sealedCount, count)
    }

    /// Keeps what the socket did not take of that.
    func keepSealed(in range: Range<Int>, sent: Int) { session?.pointee.keepSealed(in: range, sent: sent) }

    /// Bytes encrypted for one member of a batch, at most: as many as a message has by default.
    private static let stagedBytesMax = 65_536
}
