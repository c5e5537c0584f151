import CReactor
import Reactor
import Testing
import Text

/// Longest time a test waits for something that must happen; it fails when that is not enough.
let patienceNanoseconds: UInt64 = 60_000_000_000

/// Does something again and again until it succeeds or patience ends; says whether it succeeded.
func eventually(_ attempt: () -> Bool) -> Bool {
    let end = Clock.monotonicNanoseconds + patienceNanoseconds
    while Clock.monotonicNanoseconds < end {
        if attempt() { return true }
    }
    return false
}

/// Two connected sockets on loopback, closed when dropped.
final class SocketPair {
    let near: Socket
    let far: Socket
    let peer: PeerAddress
    private var isFarOpen = true
    private var isNearOpen = true

    init(host: String = "127.0.0.1") throws {
        var listener = try Listener(host: host, port: 0)
        far = try Socket.connect(host: host, port: listener.port)
        var accepted: (Socket, PeerAddress)?
        _ = eventually {
            if case .accepted(let socket, let address) = listener.accept() { accepted = (socket, address) }
            return accepted != nil
        }
        (near, peer) = try #require(accepted)
    }

    func closeFar() {
        if isFarOpen { far.close() }
        isFarOpen = false
    }

    func closeNear() {
        if isNearOpen { near.close() }
        isNearOpen = false
    }

    deinit {
        closeFar()
        closeNear()
    }
}

extension Socket {
    func send(text: String) -> Transfer { Array(text.utf8).withUnsafeBytes { send($0) } }

    func receiveText(atMost count: Int = 1_000) -> (text: String, outcome: Transfer) {
        var bytes = [UInt8](repeating: 0, count: count)
        let outcome = bytes.withUnsafeMutableBytes { receive(into: $0) }
        guard case .moved(let moved) = outcome else { return ("", outcome) }
        return (String(decoding: bytes.prefix(moved), as: UTF8.self), outcome)
    }
}

/// What one wait of a poller brought.
func events(of poller: borrowing Poller, milliseconds: Int32) -> [UInt64: Readiness] {
    var events: [UInt64: Readiness] = [:]
    poller.wait(milliseconds: milliseconds) { events[$0, default: []].formUnion($1) }
    return events
}

// Tests name slots, moments and sends by their numbers.

extension Slot: ExpressibleByIntegerLiteral {
    init(integerLiteral number: UInt32) { self.init(number: number) }
}

extension Tick: ExpressibleByIntegerLiteral {
    init(integerLiteral number: UInt32) { self.init(number: number) }
}

extension SendBatch.Token: ExpressibleByIntegerLiteral {
    init(integerLiteral number: UInt32) { self.init(number: number) }
}
