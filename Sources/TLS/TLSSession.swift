internal import COpenSSL

/// One connection's end of TLS: bytes in, bytes out. It has no socket and no clock: what comes is put into its records' room and opened,
/// what it seals is taken from there.
///
/// Thread: that of its records. Size: 64 bytes, and of buffers nothing while it is idle. What OpenSSL has of a session is given back once
/// a server has agreed on TLS 1.3: the keys that are left take 300 bytes. A client's end and TLS 1.2 keep it, some 13,000 bytes. What is
/// counted in its records is the beginning of a record that is not whole, and what its socket did not take.
public struct TLSSession: ~Copyable {
    /// How far it is.
    public enum Phase: UInt8, Sendable {
        /// Not agreed yet: nothing can be sealed.
        case handshaking
        /// Agreed.
        case open
        /// Something was wrong: nothing can be sealed or opened any more.
        case broken
    }

    /// Records in a row that bring nothing, at most. Those of a handshake are fewer than ten; later on each costs work and is of no use.
    private static let idleRecordsMax: UInt8 = 128

    /// RFC 8446 §5.1 and, for 1.2, RFC 5246 §6.2.3: the larger.
    private static let recordBytesMax = 16_384 + 2_048
    private static let headerByteCount = 5

    /// What it agrees by; gone once that is done with.
    private var context: TLSContext?

    /// Where it takes from and puts to.
    public let records: TLSRecords

    /// Who seals and opens.
    private enum Stage {
        /// Nobody yet: a server begins with the first record.
        case new
        /// OpenSSL.
        case whole(OpaquePointer)
        /// What is left of a session that OpenSSL agreed to.
        case keyed(UnsafeMutablePointer<RecordLayer>)
    }

    private var stage = Stage.new

    /// What a server that shakes hands seals with from then on, and how many records it has sealed with that.
    private var sealingSecret: [UInt8] = []
    private var sealedRecordCount: UInt8 = 0

    /// The beginning of a record.
    private var partial: [UInt8] = []

    /// Sealed, and not taken by the socket; the first `sentCount` of them are.
    private var unsent: [UInt8] = []
    private var sentCount: Int32 = 0

    /// How far it is.
    public private(set) var phase = Phase.handshaking

    /// Whether the peer said that it will say no more.
    public private(set) var isPeerDone = false
    private var idleRecords: UInt8 = 0

    /// The server's end of a session.
    public init(server context: TLSContext, _ records: TLSRecords) {
        (self.context, self.records) = (context, records)
    }

    /// A client's end of a session with the server of a name, or of an address in numbers, which its certificate must be for. Its first
    /// words are sealed at once.
    public init(client context: TLSContext, _ records: TLSRecords, serverName: String) throws(TLSFault) {
        (self.context, self.records) = (context, records)
        let session = context.makeSession()
        stage = .whole(session)
        records.attach(session)
        SSL_set_connect_state(session)
        let isNumber = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), serverName) == 1
        if !isNumber {
            guard SSL_set1_host(session, serverName) == 1, copenssl_set_server_name(session, serverName) == 1 else {
                throw .last("the server's name")
            }
        }
        ERR_clear_error()
        _ = SSL_do_handshake(session)
    }

    deinit {
        switch stage {
        case .new: break
        case .whole(let session): SSL_free(session)
        case .keyed(let layer):
            layer.deinitialize(count: 1)
            OPENSSL_cleanse(layer, MemoryLayout<RecordLayer>.size)
            layer.deallocate()
        }
        records.partialBytes -= partial.count
        records.unsentBytes -= unsent.count
    }

    // MARK: In

    /// Where the next bytes that come are to be put, before `open`. Valid until then.
    public borrowing func room() -> UnsafeMutableRawBufferPointer {
        partial.withUnsafeBytes { records.received.copyMemory(from: $0) }
        return UnsafeMutableRawBufferPointer(rebasing: records.received[partial.count...])
    }

    /// Bytes of a record that is not whole yet.
    public var partialByteCount: Int { partial.count }

    /// Opens what came: puts what it says to `plain`, which has room for as much as comes at a time, and returns how many bytes that is.
    ///
    /// - Throws: if something is wrong with it. What the peer is to be told of that is sealed.
    public mutating func open(_ count: Int, into plain: UnsafeMutableRawBufferPointer) throws(TLSFault) -> Int {
        guard phase != .broken else { throw TLSFault("the session is broken") }
        let bytes = UnsafeRawBufferPointer(rebasing: records.received[..<(partial.count + count)])
        var (place, opened) = (0, 0)
        let start = records.sealedCount
        while place < bytes.count, !isPeerDone, let length = recordLength(of: bytes[place...]) {
            let record = UnsafeRawBufferPointer(rebasing: bytes[place..<place + length])
            place += length
            do {
                let room = UnsafeMutableRawBufferPointer(rebasing: plain[opened...])
                opened += try open(record, into: room, mayAnswer: unsent.isEmpty && records.sealedCount == start)
            } catch {
                phase = .broken
                records.note(error)
                keepPartial(bytes[bytes.count...])
                throw error
            }
        }
        // Behind an end nothing is of use.
        keepPartial(isPeerDone ? bytes[bytes.count...] : bytes[place...])
        return opened
    }

    /// Bytes of the record that some begin with, once it is whole. All of what is no record at all: OpenSSL then says what is wrong
    /// with it. So OpenSSL has never to keep the beginning of one, for which it takes room for the longest.
    private func recordLength(of bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let start = bytes.startIndex
        guard Self.isContentType(bytes[start]) else { return bytes.count }
        guard bytes.count >= Self.headerByteCount else { return nil }
        let length = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        guard bytes[start + 1] == 3, length <= Self.recordBytesMax else { return bytes.count }
        return bytes.count >= Self.headerByteCount + length ? Self.headerByteCount + length : nil
    }

    /// Change of cipher, alert, handshake, application's data: RFC 8446 §5.1.
    private static func isContentType(_ byte: UInt8) -> Bool { (20...23).contains(byte) }

    private mutating func keepPartial(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if bytes.isEmpty, partial.isEmpty { return }
        records.partialBytes += bytes.count - partial.count
        partial = Array(bytes)
    }

    private mutating func open(
        _ record: UnsafeRawBufferPointer,
        into room: UnsafeMutableRawBufferPointer,
        mayAnswer: Bool
    ) throws(TLSFault) -> Int {
        let opened =
            switch stage {
            case .new: try open(record, begin(), into: room)
            case .whole(let session): try open(record, session, into: room)
            case .keyed(let layer): try layer.pointee.open(record, into: room, records, mayAnswer: mayAnswer)
            }
        switch opened {
        case .data(let count):
            idleRecords = 0
            return count
        case .nothing:
            idleRecords += 1
            guard idleRecords < Self.idleRecordsMax else { throw TLSFault("too many records that bring nothing") }
        case .end: isPeerDone = true
        }
        return 0
    }

    private mutating func open(
        _ record: UnsafeRawBufferPointer,
        _ session: OpaquePointer,
        into room: UnsafeMutableRawBufferPointer
    ) throws(TLSFault) -> RecordLayer.Opened {
        let (start, isAgreeing) = (records.sealedCount, phase == .handshaking)
        var opened = 0
        ERR_clear_error()
        let outcome = records.lend(record) { SSL_read_ex(session, room.baseAddress, room.count, &opened) }
        let error = outcome == 1 ? SSL_ERROR_NONE : SSL_get_error(session, outcome)
        if isAgreeing { noteProgress(of: session, sealedFrom: start) }
        switch error {
        case SSL_ERROR_NONE: return .data(opened)
        case SSL_ERROR_WANT_READ:
            guard Self.isContentType(record[0]) else { throw TLSFault("not TLS") }
            return .nothing
        case SSL_ERROR_ZERO_RETURN: return .end
        default: throw Self.fault(of: session)
        }
    }

    /// What went wrong, and where the peer's certificate was not taken, why: expired, of another name, of an unknown authority.
    private static func fault(of session: OpaquePointer) -> TLSFault {
        let verdict = SSL_get_verify_result(session)
        let fault = TLSFault.last("TLS")
        guard verdict != Int(X509_V_OK), let reason = X509_verify_cert_error_string(verdict) else { return fault }
        return TLSFault("\(fault): \(String(cString: reason))")
    }

    private mutating func begin() throws(TLSFault) -> OpaquePointer {
        guard let context else { throw TLSFault("the session is over") }
        let session = context.makeSession()
        records.attach(session)
        SSL_set_accept_state(session)
        stage = .whole(session)
        return session
    }

    // MARK: Being agreed

    /// Looks how far a handshake is, which has sealed what lies behind a place.
    private mutating func noteProgress(of session: OpaquePointer, sealedFrom start: Int) {
        let secrets = records.takeSecrets()
        if !secrets.server.isEmpty { sealingSecret = secrets.server }
        if !sealingSecret.isEmpty {
            sealedRecordCount += UInt8(clamping: records.sealedRecordCount(from: max(start, secrets.sealedCount)))
        }
        guard SSL_is_init_finished(session) == 1 else { return }
        phase = .open
        if SSL_is_server(session) == 1 { keepKeysOnly(of: session, openingSecret: secrets.client) }
    }

    /// Gives back what OpenSSL has of a session of TLS 1.3. What is to come needs its keys, and nothing else.
    private mutating func keepKeysOnly(of session: OpaquePointer, openingSecret: [UInt8]) {
        defer {
            sealingSecret.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
            sealingSecret = []
        }
        guard SSL_version(session) == TLS1_3_VERSION, SSL_has_pending(session) == 0,
            let suite = RecordSuite(SSL_CIPHER_get_id(SSL_get_current_cipher(session))),
            sealingSecret.count == suite.secretByteCount, openingSecret.count == suite.secretByteCount
        else { return }
        let layer = UnsafeMutablePointer<RecordLayer>.allocate(capacity: 1)
        layer.initialize(
            to: RecordLayer(
                opening: RecordKey(suite, secret: openingSecret),
                sealing: RecordKey(suite, secret: sealingSecret, number: UInt64(sealedRecordCount)),
                isResumed: isResumed,
                peerCertificate
            )
        )
        stage = .keyed(layer)
        context = nil
        SSL_free(session)
    }

    /// Whether OpenSSL has nothing of it any more.
    var keepsKeysOnly: Bool { if case .keyed = stage { true } else { false } }

    // MARK: What was agreed

    /// Whether it goes on with what was agreed another time.
    public var isResumed: Bool {
        switch stage {
        case .new: false
        case .whole(let session): SSL_session_reused(session) == 1
        case .keyed(let layer): layer.pointee.isResumed
        }
    }

    /// What the client's certificate says, if it showed one. It was verified.
    public var peerCertificate: PeerCertificate? {
        switch stage {
        case .new: return nil
        case .whole(let session):
            guard let certificate = SSL_get0_peer_certificate(session),
                SSL_get_verify_result(session) == Int(X509_V_OK)
            else { return nil }
            return PeerCertificate(certificate)
        case .keyed(let layer): return layer.pointee.peerCertificate
        }
    }

    // MARK: Out

    /// Seals bytes, behind what is sealed in its records. Says whether it could: one that is broken cannot.
    public mutating func seal(_ plain: UnsafeRawBufferPointer) -> Bool {
        guard phase == .open else { return false }
        guard plain.count > 0 else { return true }
        var written = 0
        switch stage {
        case .new: return false
        case .keyed(let layer): if layer.pointee.seal(plain, records) { return true }
        case .whole(let session):
            if SSL_write_ex(session, plain.baseAddress, plain.count, &written) == 1 { return true }
            ERR_clear_error()
        }
        phase = .broken
        return false
    }

    /// Seals that there will be no more, RFC 8446 §6.1.
    public mutating func sealEnd() {
        guard phase == .open else { return }
        switch stage {
        case .new: break
        case .keyed(let layer): layer.pointee.sealEnd(records)
        case .whole(let session):
            _ = SSL_shutdown(session)
            ERR_clear_error()
        }
    }

    // MARK: Sealed by the kernel

    /// What the kernel is told to seal what is sent from now on. Nothing where it cannot: while something sealed waits, before it is
    /// agreed, and for TLS 1.2.
    public mutating func kernelParameters() -> [UInt8]? {
        guard phase == .open, !hasUnsent, case .keyed(let layer) = stage else { return nil }
        return layer.pointee.kernelParameters()
    }

    /// Has the kernel seal. What is sent goes to the socket in plain then.
    public mutating func leaveSealingToKernel() {
        if case .keyed(let layer) = stage { layer.pointee.leaveSealingToKernel() }
    }

    /// Whether it does.
    public var isSealedByKernel: Bool {
        if case .keyed(let layer) = stage { layer.pointee.isSealedByKernel } else { false }
    }

    /// An alert that the kernel is to seal, once.
    public mutating func takeAlert() -> (level: UInt8, number: UInt8)? {
        if case .keyed(let layer) = stage { layer.pointee.takeAlert() } else { nil }
    }

    // MARK: What the socket did not take

    /// Whether something is sealed that waits for the socket: what is sealed next must wait behind it.
    public var hasUnsent: Bool { !unsent.isEmpty }

    /// Bytes that wait for the socket.
    public var unsentByteCount: Int { unsent.count - Int(sentCount) }

    /// Keeps what is sealed in its records from a place on, but for what the socket took of that.
    public mutating func keepSealed(in range: Range<Int>, sent: Int) {
        let left = records.sealed(in: range.lowerBound + sent..<range.upperBound)
        guard left.count > 0 else { return }
        unsent.reserveCapacity(unsent.count + left.count)
        unsent.append(contentsOf: left)
        records.unsentBytes += left.count
    }

    /// Lends what waits to `send`, which says how much the socket took of it. Says whether nothing is left.
    public mutating func flush(_ send: (UnsafeRawBufferPointer) -> Int) -> Bool {
        guard hasUnsent else { return true }
        let sent = unsent.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[Int(sentCount)...])) }
        sentCount += Int32(truncatingIfNeeded: sent)
        guard sentCount == unsent.count else { return false }
        records.unsentBytes -= unsent.count
        unsent = []
        sentCount = 0
        return true
    }
}
