internal import CReactor

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A TCP socket's descriptor and the non-blocking calls on it. It does not close itself: who owns it says when.
///
/// Size: 4 bytes.
public struct Socket: Sendable, Hashable {
    /// The descriptor.
    public let descriptor: Int32

    /// Names an open descriptor.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// What came of a receive or a send.
    public enum Transfer: Equatable, Sendable {
        /// So many bytes moved; never 0.
        case moved(Int)
        /// Nothing can be moved now.
        case wouldBlock
        /// The peer ended its direction (only for receiving).
        case endOfStream
        /// The connection is broken; the positive `errno`.
        case failed(Int32)
    }

    /// Receives into a buffer. Source: `recv(2)`.
    @inline(__always)
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        // bounded: a buffer of a fixed size
        let result = creactor_receive(descriptor, buffer.baseAddress!, buffer.count)
        if result == 0 { return .endOfStream }
        return Socket.outcome(result)
    }

    /// Shows what waits to be received, and leaves it there. Source: `recv(2)` with `MSG_PEEK`.
    public func peek(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        // bounded: a buffer of a fixed size
        let result = creactor_peek(descriptor, buffer.baseAddress!, buffer.count)
        if result == 0 { return .endOfStream }
        return Socket.outcome(result)
    }

    /// Whether the peer will say no more, or is gone, as far as is known at this moment.
    public var isEnded: Bool { creactor_is_ended(descriptor) }

    /// Sends a run of bytes, as much as fits. Source: `send(2)` with `MSG_NOSIGNAL`.
    public func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        Socket.outcome(sendResult(bytes))
    }

    /// Bytes sent, or the negative `errno`.
    func sendResult(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        return creactor_send(descriptor, start, bytes.count)
    }

    /// Sends several runs with one system call, as much as fits. Source: `sendmsg(2)`.
    public func send(_ parts: UnsafeMutableBufferPointer<OutputPart>) -> Transfer {
        parts.withMemoryRebound(to: iovec.self) {
            guard let start = $0.baseAddress else { return .moved(0) }
            return Socket.outcome(creactor_send_vector(descriptor, start, Int32(clamping: $0.count)))
        }
    }

    /// Has the kernel encrypt what is sent from now on, with parameters as linux/tls.h has them. Says whether it does: there may be no
    /// TLS in this kernel, or not this cipher. Source: Documentation/networking/tls.rst of Linux.
    public func sealInKernel(_ parameters: [UInt8]) -> Bool {
        creactor_seal_in_kernel(descriptor, parameters, parameters.count) == 0
    }

    /// Sends an alert of TLS through a kernel that encrypts.
    public func sendAlert(level: UInt8, _ number: UInt8) -> Transfer {
        Socket.outcome(creactor_send_record(descriptor, 21, [level, number], 2))
    }

    /// Makes the next `close` drop what is unsent and reset the connection.
    public func makeCloseAbortive() { _ = creactor_set_abortive_close(descriptor) }

    /// Ends our direction; the peer reads an end of stream.
    public func shutdownWriting() { _ = creactor_shutdown_write(descriptor) }

    /// Caps the kernel's send buffer, in bytes (the kernel doubles it for its own accounting).
    public func limitSendBuffer(to bytes: Int) { _ = creactor_set_send_buffer(descriptor, Int32(clamping: bytes)) }

    /// Whether the peer's system has acknowledged everything that was sent.
    public var isAcknowledged: Bool { creactor_unacknowledged(descriptor) == 0 }

    /// Bytes that were sent and that the peer's system has not acknowledged.
    public var unacknowledgedBytes: Int { max(Int(creactor_unacknowledged(descriptor)), 0) }

    /// Milliseconds since the peer's system was heard of; `nil` where the system does not tell.
    public var silenceMilliseconds: UInt64? { UInt64(exactly: creactor_silence_milliseconds(descriptor)) }

    /// Has the kernel no longer ask an idle peer for signs of life: it would, between any two heartbeats, and each of its probes
    /// costs a third of one. Source: `socket(7)`, SO_KEEPALIVE.
    public func stopProbing() { creactor_stop_probing(descriptor) }

    /// Closes the descriptor.
    public func close() { creactor_close(descriptor) }

    /// How a connect that was started without blocking ended.
    public var connectionError: SystemError? {
        let result = creactor_socket_error(descriptor)
        return result == 0 ? nil : SystemError(call: "connect", result: Int(result))
    }

    /// Starts to connect without blocking; the socket turns writable when it is done either way.
    ///
    /// - Throws: if the name cannot be resolved (which blocks, unless it is a number) or the system refuses at once.
    public static func connect(host: String, port: UInt16) throws(SystemError) -> Socket {
        let result = creactor_open_tcp(host, String(port), 0, 0)
        guard result >= 0 else { throw SystemError(call: "connect \(host):\(port)", result: Int(result)) }
        return Socket(descriptor: result)
    }

    /// Starts to connect to one address without blocking; the socket turns writable when it is done either way.
    ///
    /// - Throws: if the system refuses at once: no descriptor, no route.
    public static func connect(to endpoint: Endpoint) throws(SystemError) -> Socket {
        var raw = endpoint.raw
        let result = creactor_connect(&raw)
        guard result >= 0 else { throw SystemError(call: "connect \(endpoint)", result: Int(result)) }
        return Socket(descriptor: result)
    }

    /// Starts to connect to a socket in the file system without blocking; it turns writable when it is done either way.
    ///
    /// - Throws: if the system refuses at once: no such file, no right to it, nobody listens.
    public static func connect(path: String) throws(SystemError) -> Socket {
        let result = creactor_connect_path(path)
        guard result >= 0 else { throw SystemError(call: "connect \(path)", result: Int(result)) }
        return Socket(descriptor: result)
    }

    static func outcome(_ result: Int) -> Transfer {
        if result > 0 { return .moved(result) }
        let code = Int32(truncatingIfNeeded: -result)
        return code == EAGAIN || code == EWOULDBLOCK ? .wouldBlock : .failed(code)
    }
}

/// One run of bytes of a gathering send.
///
/// Size: 16 bytes, laid out as `struct iovec`.
@frozen
public struct OutputPart {
    /// First byte; never written to.
    public var start: UnsafeMutableRawPointer?

    /// How many bytes.
    public var count: Int

    /// Names a run of bytes that stays valid until it is sent.
    public init(_ bytes: UnsafeRawBufferPointer) {
        start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        count = bytes.count
    }
}
