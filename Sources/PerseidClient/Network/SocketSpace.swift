internal import Reactor
internal import TLS

/// What the sockets of one client share: the poller that wakes its thread, a buffer, and what TLS goes by.
///
/// Thread: that of its client. Size: 64 KiB, and as much again where TLS is spoken.
final class SocketSpace {
    /// Bytes received at a time.
    static let receiveBytesMax = 65_536

    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytesMax, alignment: 16)

    private let reactor: Reactor<ClientOrder>
    private let authorities: [UInt8]?
    private var nextToken: UInt64 = 0
    private var context: TLSContext?
    private lazy var records = TLSRecords()

    init(_ reactor: Reactor<ClientOrder>, authorities: [UInt8]?) {
        self.reactor = reactor
        self.authorities = authorities
    }

    deinit { buffer.deallocate() }

    /// Milliseconds of the monotonic clock, now.
    var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    /// A token that no other socket of this client ever has.
    func makeToken() -> UInt64 {
        nextToken += 1
        return nextToken
    }

    /// The client's end of TLS with a host.
    func makeSession(with host: String) throws(TLSFault) -> TLSSession {
        if context == nil {
            var policy = TLSClientPolicy()
            policy.authorities = authorities
            context = try TLSContext(client: policy)
        }
        guard let context else { throw TLSFault("there is no TLS") }
        var session = try TLSSession(client: context, records, serverName: host)
        // Others seal into the same records: what is sealed is kept with its own session at once.
        session.keepSealed(in: 0..<records.sealedCount, sent: 0)
        records.truncate(to: 0)
        return session
    }

    func watch(_ descriptor: Int32, token: UInt64, for interest: Readiness) throws(SystemError) {
        try reactor.poller.add(descriptor, token: token, for: interest)
    }

    func change(_ descriptor: Int32, token: UInt64, to interest: Readiness) throws(SystemError) {
        try reactor.poller.modify(descriptor, token: token, for: interest)
    }

    func forget(_ descriptor: Int32) { reactor.poller.remove(descriptor) }
}
