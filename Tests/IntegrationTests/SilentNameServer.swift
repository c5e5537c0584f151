import Foundation

/// A name server that takes every question and answers none; who is started with it has no other.
final class SilentNameServer {
    private let descriptor: Int32
    private let configuration: URL

    /// Of a lookup, until it asks once more: twice as long as usual, so that a busy machine alone takes less.
    static let attemptSeconds = 10

    /// Whether this process may give others a view of the files of their own.
    static var isPossible: Bool {
        get async {
            guard geteuid() == 0, let scratch = try? Scratch() else { return false }
            return (try? await ChildProcess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], in: scratch)) != nil
        }
    }

    init(in scratch: Scratch) throws {
        // A loopback address that nobody else uses.
        let host = "127.83.67.1"
        configuration = scratch.directory.appending(path: "resolv.conf")
        try "nameserver \(host)\noptions timeout:\(Self.attemptSeconds)\n"
            .write(to: configuration, atomically: true, encoding: .utf8)
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(53).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else { throw ChildProcess.Failure(description: "no name server: \(errno)") }
    }

    deinit { close(descriptor) }

    /// A command as it is started with this name server.
    func command(_ arguments: [String]) -> [String] {
        let script = "mount --make-rprivate / && mount --bind \(configuration.path) /etc/resolv.conf && exec \"$@\""
        return ["unshare", "-m", "sh", "-c", script, "sh"] + arguments
    }
}
