import Foundation

/// A port that nobody listens on. A socket has it, so nobody else is given it meanwhile, and who connects to it is refused; a server that
/// names it may come to listen there.
final class QuietPort {
    let number: UInt16
    private let descriptor: Int32

    init() throws {
        let bound = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(bound, $0, length) == 0 && getsockname(bound, $0, &length) == 0
            }
        }
        (number, descriptor) = (UInt16(bigEndian: address.sin_port), bound)
        guard isBound else { throw TestFailure("no port: errno \(errno)") }
    }

    deinit { close(descriptor) }
}
