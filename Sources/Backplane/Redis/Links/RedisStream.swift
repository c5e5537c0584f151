internal import Reactor
internal import TLS

/// The way between a client of Redis and its server: a socket, with TLS or without. Whoever has it says what is to be sent again and
/// when: of what it says was sent, some may wait here (`hasUnsent`).
///
/// Thread: of whoever made it.
final class RedisStream {
    private let socket: Socket
    private var session: TLSSession?

    /// Bytes that are encrypted for one send, at most: a record of the longest kind.
    private static let sealedBytesMax = 16_384

    /// Goes on with a socket that is connected, or being connected.
    ///
    /// - Throws: if certificates or keys for TLS cannot be used.
    init(_ socket: Socket, _ address: RedisAddress) throws(TLSFault) {
        self.socket = socket
        guard let policy = address.security else { return }
        session = try TLSSession(
            client: try TLSContext(client: policy),
            TLSRecords(),
            serverName: address.serverName ?? address.host
        )
    }

    var descriptor: Int32 { socket.descriptor }

    /// Whether bytes can be sent, as far as TLS is concerned.
    var isAgreed: Bool {
        guard let phase = session?.phase else { return true }
        return phase == .open
    }

    /// When the certificate that the server showed ends, in milliseconds since 1970; nothing without TLS.
    var certificateEndMilliseconds: UInt64? { session?.peerCertificate?.endMilliseconds }

    var connectionError: SystemError? { socket.connectionError }

    /// Whether something waits for the socket that was said to be sent; as is the first word of TLS.
    var hasUnsent: Bool {
        guard let isKept = session?.hasUnsent, let records = session?.records else { return false }
        return isKept || records.sealedCount > 0
    }

    func close() { socket.close() }

    /// Receives what is there, as much as fits into 64 KiB. With TLS nothing may come of it although something was received: then
    /// there may be more.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        guard session != nil else { return .plain(socket.receive(into: buffer)) }
        guard let room = session?.room() else { return .nothing }
        let received = socket.receive(into: room)
        guard case .moved(let count) = received else { return .plain(received) }
        do throws(TLSFault) {
            let opened = try session?.open(count, into: buffer) ?? 0
            sendSealed()
            if opened > 0 { return .plain(.moved(opened)) }
            return session?.isPeerDone == true ? .plain(.endOfStream) : .nothing
        } catch {
            sendSealed()
            return .broken(error)
        }
    }

    /// What came of a receive.
    enum Received {
        /// As from a socket.
        case plain(Socket.Transfer)
        /// Something that was TLS's own.
        case nothing
        /// It is over.
        case broken(TLSFault)
    }

    /// Sends bytes, as many as are taken.
    func send(_ bytes: UnsafeRawBufferPointer) -> Socket.Transfer {
        guard session != nil else { return socket.send(bytes) }
        if let failure = flush() { return .failed(failure) }
        guard !hasUnsent, isAgreed else { return .wouldBlock }
        let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.sealedBytesMax))
        guard session?.seal(piece) == true else { return .failed(SystemError.protocolErrorCode) }
        if let failure = sendSealed() { return .failed(failure) }
        return .moved(piece.count)
    }

    /// Sends what waits; the `errno` if that is in vain.
    @discardableResult
    func flush() -> Int32? {
        var failure: Int32?
        _ = session?.flush { bytes in
            switch socket.send(bytes) {
            case .moved(let count): return count
            case .wouldBlock, .endOfStream: return 0
            case .failed(let code):
                failure = code
                return 0
            }
        }
        return failure ?? sendSealed()
    }

    @discardableResult
    private func sendSealed() -> Int32? {
        guard let records = session?.records, records.sealedCount > 0 else { return nil }
        defer { records.truncate(to: 0) }
        var (sent, failure): (Int, Int32?) = (0, nil)
        if session?.hasUnsent == false {
            switch socket.send(records.sealed(from: 0)) {
            case .moved(let count): sent = count
            case .wouldBlock, .endOfStream: break
            case .failed(let code): failure = code
            }
        }
        session?.keepSealed(in: 0..<records.sealedCount, sent: sent)
        return failure
    }
}
