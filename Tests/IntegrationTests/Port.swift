import Foundation
import Reactor
import Synchronization

/// Free TCP ports of the loopback interface, each given once.
///
/// They lie below the range that the system takes for outgoing connections, so that none of those gets in the way
/// between the choice of a port and its use, also while a server is restarted. What lies above these, the chaos test of `bench` takes, which
/// runs beside others: each would find a port free whose server the other has not started yet, or has killed for a moment.
enum Port {
    private static let range = 15_000..<24_000
    private static let next = Lock(Int.random(in: range))

    static func free() -> UInt16 {
        while true {
            let port = next.withLock {
                $0 = $0 + 1 < range.upperBound ? $0 + 1 : range.lowerBound
                return UInt16($0)
            }
            if isFree(port) { return port }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        // As servers set it: a process that another test starts in this moment has a copy of this socket until it is
        // another program, and the port would not be free for whoever is given it.
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        return withLoopback(port) { bind(descriptor, $0, $1) } == 0
    }

    /// Lends the address of a port.
    static func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
