internal import CReactor
public import Text

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A listening socket, and the peer addresses of what it accepts.
///
/// Thread: owned by one reactor. Every reactor opens its own on the same port (`SO_REUSEPORT`), so the kernel spreads
/// new connections over them and no thread hands sockets to another.
public struct Listener: ~Copyable {
    /// Connections the kernel keeps for us before refusing; it caps this at `net.core.somaxconn`.
    public static let backlog: Int32 = 65_535

    private let socket: Socket
    private var isOpen = true

    /// Held back so that, with every descriptor in use, one connection can still be accepted and closed. Without that
    /// a full process leaves the connection in the backlog and the level-triggered poller spins on it.
    private var reserve: Int32

    /// The port that is listened on; tells what the system chose for port 0.
    public let port: UInt16

    /// What came of an accept.
    public enum Outcome: Sendable {
        /// A connection and where it comes from.
        case accepted(Socket, PeerAddress)
        /// Nobody waits, or who waited is gone.
        case none
        /// No descriptor or memory was left. One connection may have been accepted and closed; the others wait, and would be
        /// told of again and again.
        case refused(SystemError)
    }

    /// Opens a listener.
    public init(host: String, port: UInt16) throws(SystemError) {
        let result = creactor_open_tcp(host, String(port), Listener.backlog, 1)
        guard result >= 0 else { throw SystemError(call: "listen \(host):\(port)", result: Int(result)) }
        socket = Socket(descriptor: result)
        // Accepted sockets inherit it on Linux, which saves a system call each; small messages must not wait for ACKs.
        _ = creactor_set_no_delay(result)
        self.port = UInt16(truncatingIfNeeded: creactor_local_port(result))
        reserve = creactor_open_reserve()
    }

    deinit {
        if isOpen { socket.close() }
        if reserve >= 0 { creactor_close(reserve) }
    }

    /// Has the kernel notice peers that are gone without a word, for all connections accepted from now on.
    ///
    /// - Parameters:
    ///   - probeSeconds: silence after which an idle peer is asked for a sign of life, and asked again.
    ///   - unacknowledgedMilliseconds: time in which nothing that was sent is acknowledged; then the connection fails.
    public func boundSilence(probeSeconds: UInt64, unacknowledgedMilliseconds: UInt64) {
        creactor_bound_silence(
            socket.descriptor,
            Int32(clamping: max(probeSeconds, 1)),
            Int32(clamping: unacknowledgedMilliseconds)
        )
    }

    /// Whether a port is free: nobody listens there, not even one who would share it. Port 0 always is.
    public static func isFree(host: String, port: UInt16) -> Bool {
        if port == 0 { return true }
        let result = creactor_open_tcp(host, String(port), backlog, 0)
        if result >= 0 { creactor_close(result) }
        return result != -EADDRINUSE
    }

    /// Stops listening: who comes from now on is refused at once, instead of waiting in the backlog for nobody.
    public mutating func close() {
        if isOpen { socket.close() }
        isOpen = false
    }

    /// Lets a poller report waiting connections.
    public func attach(to poller: borrowing Poller, token: UInt64) throws(SystemError) {
        try poller.add(socket.descriptor, token: token, for: .read)
    }

    /// Stops a poller from reporting them.
    public func detach(from poller: borrowing Poller) {
        poller.remove(socket.descriptor)
    }

    /// Accepts one connection. Source: `accept(2)`, whose network errors (ECONNABORTED and kin) mean "try the next".
    public mutating func accept() -> Outcome {
        guard isOpen else { return .none }
        var peer = creactor_address()
        let result = creactor_accept(socket.descriptor, &peer)
        if result >= 0 {
            #if !os(Linux)
            _ = creactor_set_no_delay(result)
            #endif
            return .accepted(Socket(descriptor: result), PeerAddress(peer))
        }
        switch -result {
        case EMFILE, ENFILE: refuseOne()
        case ENOBUFS, ENOMEM: break
        default: return .none
        }
        return .refused(SystemError(call: "accept", result: Int(result)))
    }

    private mutating func refuseOne() {
        if reserve >= 0 { creactor_close(reserve) }
        var peer = creactor_address()
        let refused = creactor_accept(socket.descriptor, &peer)
        if refused >= 0 { creactor_close(refused) }
        reserve = creactor_open_reserve()
    }
}
