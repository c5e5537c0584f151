import Reactor
import Text

/// A node as the command line talks to it: one request on one connection, in plain HTTP.
struct NodeAddress {
    let host: String
    let port: UInt16

    var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == 80 ? host : "\(host):\(port)"
    }

    /// What is wrong with a URL.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads `http://host[:port]`, with or without a slash behind it.
    init(_ url: String) throws(Unusable) {
        guard url.hasPrefix("http://") else {
            throw Unusable(description: "\(url) is not http://host[:port]; TLS is for a balancer in front of the nodes")
        }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        guard rest.dropFirst(authority.count).allSatisfy({ $0 == "/" }) else {
            throw Unusable(description: "\(url): nodes know no path in front of their own")
        }
        guard !authority.contains(where: { "@?#".contains($0) }) else {
            throw Unusable(description: "no user, query or fragment can be given here: http://host[:port]")
        }
        guard let place = Authority(authority), !authority.hasSuffix(":"), place.port != 0 else {
            throw Unusable(description: "\(url) names no host, or a port that is no number from 1 to 65535")
        }
        host = place.host
        port = place.port ?? 80
    }

    // MARK: Talking

    /// Time without a byte after which a connect or an ordinary answer is given up.
    static let patienceMilliseconds: UInt64 = 10_000

    /// The node said nothing for too long.
    struct Timeout: Error, CustomStringConvertible {
        let milliseconds: UInt64
        var description: String { "no sign of life in \(milliseconds) ms" }
    }

    /// Sends a request and hands over what comes back until `body` says false or the node ends the connection.
    ///
    /// - Parameter patience: milliseconds without a byte after which the answer is given up, asked anew each time.
    func exchange(
        _ request: UnsafeRawBufferPointer,
        patience: () -> UInt64 = { patienceMilliseconds },
        _ body: (UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let socket = try Socket.connect(host: host, port: port)
        defer { socket.close() }
        let poller = try Poller()
        try poller.add(socket.descriptor, token: 0, for: .write)
        var rest = request
        while !rest.isEmpty {
            try wait(poller, milliseconds: Self.patienceMilliseconds)
            if let error = socket.connectionError { throw error }
            switch socket.send(rest) {
            case .moved(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            // A node that answers before it has read all, as with 413, ends the connection: its answer is still there.
            case .failed, .endOfStream: rest = UnsafeRawBufferPointer(rebasing: rest[rest.count...])
            case .wouldBlock: break
            }
        }
        try poller.modify(socket.descriptor, token: 0, for: .read)
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                try wait(poller, milliseconds: patience())
                switch socket.receive(into: buffer) {
                case .moved(let count):
                    guard try body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
                case .wouldBlock: continue
                case .endOfStream: return
                case .failed(let code): throw SystemError(call: "recv", result: -Int(code))
                }
            }
        }
    }

    private func wait(_ poller: borrowing Poller, milliseconds: UInt64) throws {
        var isReady = false
        poller.wait(milliseconds: Int32(clamping: milliseconds)) { _, _ in isReady = true }
        guard isReady else { throw Timeout(milliseconds: milliseconds) }
    }
}
