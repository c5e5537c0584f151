import Foundation
import Reactor
import TLS

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What went wrong in a test's own helpers: mostly a time that ran out.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The default for every bounded wait. Generous, for the machines that run this are slow and shared; nobody waits so
/// long while all is well.
let patience = 60.0

/// Milliseconds of a clock that never jumps.
var monotonicMilliseconds: Double { Double(Clock.monotonicNanoseconds) / 1_000_000 }

/// Looks again and again until something holds.
func eventually(
    _ what: String,
    within seconds: Double = patience,
    _ condition: () throws -> Bool
) throws {
    let end = monotonicMilliseconds + seconds * 1_000
    var isLast = false
    while try !condition() {
        if isLast { throw TestFailure("not within \(seconds) s: \(what)") }
        // The time may be up because the whole machine stood still: then those who are waited for need a moment, too.
        isLast = monotonicMilliseconds >= end
        usleep(isLast ? 999_999 : 2_000)
    }
}

/// One TCP connection to a node: raw bytes in, raw bytes out, every wait bounded.
final class TestClient {
    let descriptor: Int32
    let port: UInt16

    /// Received and not taken yet.
    private(set) var buffer: [UInt8] = []

    /// All that was ever received.
    private(set) var receivedCount = 0

    /// The node ended its direction.
    private(set) var isEnded = false

    /// The node, or the network, reset the connection.
    private(set) var isReset = false

    private var isOpen = true

    /// What encrypts, where it does.
    private(set) var secure: SecureEnd?

    /// Connects.
    ///
    /// `receiveBytes` makes it a reader with a narrow road: a small receive buffer and segments as on an Ethernet, which
    /// also keeps the node's send buffer small. Without that loopback swallows megabytes before anybody is slow.
    /// Whom `authorities` are given for is connected to with TLS, and shown a certificate if there is one.
    init(
        port: UInt16,
        receiveBytes: Int32? = nil,
        trusting authorities: [UInt8]? = nil,
        certificate: TLSCertificate? = nil,
        proxyHeader: [UInt8] = []
    ) throws {
        self.port = port
        // Not for the processes that other tests start meanwhile: they would keep it open.
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: errno \(errno)") }
        if let receiveBytes {
            set(SOL_SOCKET, SO_RCVBUF, receiveBytes)
            set(Int32(IPPROTO_TCP), TCP_MAXSEG, 1_460)
        }
        set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else {
            let code = errno
            Foundation.close(descriptor)
            isOpen = false
            throw ConnectFailure(code: code)
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        // In plain, in front of everything else.
        for byte in proxyHeader {
            try sendRaw([byte])
            usleep(200)
        }
        guard let authorities else { return }
        secure = try SecureEnd(trusting: authorities, certificate: certificate)
        try shakeHands()
    }

    private func shakeHands() throws {
        guard let secure else { return }
        try sendRaw(secure.takeSealed())
        guard try receive(until: { secure.isAgreed }) else { throw TestFailure("the node ended the handshake") }
    }

    deinit { close() }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: Ends

    func close() {
        guard isOpen else { return }
        isOpen = false
        Foundation.close(descriptor)
    }

    /// Closes with a reset.
    func reset() {
        guard isOpen else { return }
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    func endSending() {
        if let secure { try? sendRaw(secure.sealEnd()) }
        shutdown(descriptor, Int32(SHUT_WR))
    }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8], within seconds: Double = patience) throws {
        try sendRaw(try secure?.seal(bytes) ?? bytes, within: seconds)
    }

    /// Sends bytes as they are.
    func sendRaw(_ bytes: [UInt8], within seconds: Double = patience) throws {
        let end = monotonicMilliseconds + seconds * 1_000
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                guard wait(for: Int16(POLLOUT), until: end) else { throw TestFailure("the node takes no bytes") }
            } else if errno != EINTR {
                throw TestFailure("send: errno \(errno)")
            }
        }
    }

    /// Sends byte by byte, each in a segment of its own.
    func sendSlowly(_ text: String) throws {
        for byte in text.utf8 { try send([byte]) }
    }

    // MARK: Receiving

    /// Takes what is there without waiting; says whether that was anything.
    @discardableResult
    func receiveNow(upTo countMax: Int = 65_536) -> Bool {
        guard isOpen, !isEnded, !isReset else { return false }
        if let secure { return receiveNow(upTo: countMax, secure) }
        let count = withUnsafeTemporaryAllocation(byteCount: countMax, alignment: 16) { room in
            let count = recv(descriptor, room.baseAddress!, room.count, 0)
            if count > 0 { buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<count])) }
            return count
        }
        receivedCount += max(count, 0)
        if count > 0 { return true }
        if count == 0 {
            isEnded = true
        } else if errno != EAGAIN, errno != EINTR {
            isReset = true
        }
        return false
    }

    private func receiveNow(upTo countMax: Int, _ secure: SecureEnd) -> Bool {
        let room = secure.room
        let count = recv(descriptor, room.baseAddress!, min(room.count, countMax), 0)
        if count > 0 {
            guard let opened = try? secure.open(count) else {
                isReset = true
                return false
            }
            receivedCount += opened.count
            buffer.append(contentsOf: opened)
            try? sendRaw(secure.takeSealed())
            if secure.isPeerDone { isEnded = true }
            return !opened.isEmpty
        }
        if count == 0 {
            isEnded = true
        } else if errno != EAGAIN, errno != EINTR {
            isReset = true
        }
        return false
    }

    /// Receives until something holds; false if the connection ended before.
    func receive(within seconds: Double = patience, until condition: () throws -> Bool) throws -> Bool {
        let end = monotonicMilliseconds + seconds * 1_000
        while try !condition() {
            if isEnded || isReset { return false }
            guard wait(for: Int16(POLLIN), until: end) else {
                let tail = String(decoding: buffer.suffix(300), as: UTF8.self)
                throw TestFailure("nothing more within \(seconds) s after \(buffer.count) bytes: …\(tail)")
            }
            receiveNow()
        }
        return true
    }

    /// Whether the connection ends, with a reset or without, before the time is up. What comes before is kept.
    func ends(within seconds: Double = patience) -> Bool {
        (try? receive(within: seconds) { false }) != nil
    }

    /// Whether nothing at all comes for a while.
    func isSilent(for seconds: Double) -> Bool {
        guard buffer.isEmpty, !isEnded, !isReset else { return false }
        _ = wait(for: Int16(POLLIN), until: monotonicMilliseconds + seconds * 1_000)
        return !receiveNow() && !isEnded && !isReset
    }

    /// Takes bytes from the front of what was received.
    func take(_ count: Int) -> [UInt8] {
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    func takeAll() -> [UInt8] {
        defer { buffer = [] }
        return buffer
    }

    /// Puts bytes back in front of what comes next.
    func putBack(_ bytes: [UInt8]) { buffer = bytes + buffer }

    private func wait(for events: Int16, until end: Double) -> Bool {
        while true {
            let left = end - monotonicMilliseconds
            guard left > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            if poll(&entry, 1, Int32(left.rounded(.up))) > 0 { return true }
        }
    }
}

/// A connection that was not accepted.
struct ConnectFailure: Error {
    let code: Int32
}
