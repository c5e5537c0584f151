internal import COpenSSL

/// The two ends of the wire, which all sessions of a thread share: what one of them has received, and what those that sealed something
/// want sent. So a session needs neither buffers nor an end of its own.
///
/// Thread: that of its sessions. Size: 64 KiB for what is received, and what is sealed in one turn.
public final class TLSRecords {
    /// Bytes that are received at a time, with the beginning of a record that was there before.
    public static let receivedBytesMax = 65_536

    /// Room for what is received.
    let received = UnsafeMutableRawBufferPointer.allocate(byteCount: receivedBytesMax, alignment: 16)

    /// What a session may take of that now.
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)

    private var output: UnsafeMutableRawPointer?
    private var outputCapacity = 0

    /// Bytes that are sealed and that nobody has taken yet.
    public private(set) var sealedCount = 0

    /// Whether the kernel is asked to seal what sessions send that are agreed from now on.
    public var asksKernel: Bool

    private let method: OpaquePointer
    private let bio: OpaquePointer

    /// Bytes of records that have begun to come, and bytes that are sealed and were not taken by their sockets: of all sessions.
    public internal(set) var partialBytes = 0
    public internal(set) var unsentBytes = 0

    /// Why a session broke last.
    private var fault: TLSFault?

    /// What a handshake said of its secrets since they were taken last.
    private var secrets = TrafficSecrets()

    /// What records of TLS 1.3 are sealed and opened with, by suite; made for the first of a kind.
    private var ciphers = [RecordCipher?](repeating: nil, count: RecordSuite.allCases.count)

    /// Memory for what is sealed that is kept: what more there was, a few large messages needed.
    private static let keptBytesMax = 262_144

    /// Makes one for a thread.
    public init(asksKernel: Bool = false) {
        self.asksKernel = asksKernel
        guard let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "records"), let bio = BIO_new(Self.prepared(method))
        else { fatalError("no memory for a BIO") }
        (self.method, self.bio) = (method, bio)
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
    }

    deinit {
        BIO_free(bio)
        BIO_meth_free(method)
        received.deallocate()
        output?.deallocate()
    }

    private static func prepared(_ method: OpaquePointer) -> OpaquePointer {
        BIO_meth_set_read(method) { bio, bytes, count in
            copenssl_clear_retry(bio)
            guard let bytes, let records = TLSRecords.of(bio) else { return -1 }
            return records._withUnsafeGuaranteedRef { $0.take(into: bytes, count) }
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            copenssl_clear_retry(bio)
            guard let bytes, let records = TLSRecords.of(bio) else { return -1 }
            records._withUnsafeGuaranteedRef { $0.append(UnsafeRawBufferPointer(start: bytes, count: Int(count))) }
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == copenssl_control_flush() ? 1 : 0 }
        return method
    }

    static func of(_ bio: OpaquePointer?) -> Unmanaged<TLSRecords>? {
        BIO_get_data(bio).map { Unmanaged.fromOpaque($0) }
    }

    /// Has a session of OpenSSL use it.
    func attach(_ session: OpaquePointer) {
        BIO_up_ref(bio)
        SSL_set_bio(session, bio, bio)
    }

    // MARK: Secrets

    /// Notes a secret that a handshake agreed to, in the form of SSL_CTX_set_keylog_callback(3).
    func note(secret line: UnsafePointer<CChar>) { secrets.note(line, sealedCount: sealedCount) }

    /// What was noted, for the session that it was noted of.
    func takeSecrets() -> TrafficSecrets {
        guard !secrets.isEmpty else { return secrets }
        defer { secrets = TrafficSecrets() }
        return secrets
    }

    /// What seals and opens records of TLS 1.3.
    func cipher(_ suite: RecordSuite) -> RecordCipher {
        let place = Int(suite.rawValue)
        if let cipher = ciphers[place] { return cipher }
        let cipher = RecordCipher(suite)
        ciphers[place] = cipher
        return cipher
    }

    // MARK: Faults

    func note(_ fault: TLSFault) { self.fault = fault }

    /// Why a session broke, if one did since this was asked last.
    public func takeFault() -> TLSFault? {
        defer { fault = nil }
        return fault
    }

    // MARK: In

    /// Lends what was received to what `body` does.
    func lend<Outcome>(_ bytes: UnsafeRawBufferPointer, _ body: () -> Outcome) -> Outcome {
        input = bytes
        defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
        return body()
    }

    private func take(into room: UnsafeMutablePointer<CChar>, _ count: Int32) -> Int32 {
        let taken = min(Int(count), input.count)
        guard taken > 0, let start = input.baseAddress else {
            copenssl_set_retry_read(bio)
            return -1
        }
        UnsafeMutableRawPointer(room).copyMemory(from: start, byteCount: taken)
        input = UnsafeRawBufferPointer(rebasing: input[taken...])
        return Int32(taken)
    }

    // MARK: Out

    /// What is sealed from a place on. Valid until more is.
    public func sealed(from start: Int) -> UnsafeRawBufferPointer { sealed(in: start..<sealedCount) }

    /// A part of what is sealed. Valid until more is.
    public func sealed(in range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(start: output, count: sealedCount)[range])
    }

    /// Forgets what is sealed from a place on.
    public func truncate(to count: Int) {
        sealedCount = count
        guard count == 0, outputCapacity > Self.keptBytesMax else { return }
        output?.deallocate()
        (output, outputCapacity) = (nil, 0)
    }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        extend(by: bytes.count).copyMemory(from: start, byteCount: bytes.count)
    }

    /// Room for what is sealed next, which counts as sealed from now on.
    func extend(by count: Int) -> UnsafeMutableRawPointer {
        let start = sealedCount
        sealedCount += count
        if let output, sealedCount <= outputCapacity { return output + start }
        let capacity = max(sealedCount, 2 * outputCapacity, 32_768)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        if let output { grown.copyMemory(from: output, byteCount: start) }
        output?.deallocate()
        (output, outputCapacity) = (grown, capacity)
        return grown + start
    }

    /// How many records of TLS 1.3 were sealed from a place on.
    func sealedRecordCount(from start: Int) -> Int {
        let bytes = sealed(from: start)
        var (place, count) = (0, 0)
        while place + RecordCipher.headByteCount <= bytes.count {
            if bytes[place] == RecordLayer.Kind.data.rawValue { count += 1 }
            place += RecordCipher.headByteCount + (Int(bytes[place + 3]) << 8 | Int(bytes[place + 4]))
        }
        return count
    }
}
