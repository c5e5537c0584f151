import CReactor
import Testing
import Text

@testable import Reactor

@Suite("Listener")
struct ListenerTests {
    private static let hasIPv6 = (try? Listener(host: "::1", port: 0)) != nil

    /// Accepts until something other than `none` comes.
    private func accept(_ listener: inout Listener) -> Listener.Outcome {
        var outcome = Listener.Outcome.none
        _ = eventually {
            outcome = listener.accept()
            if case .none = outcome { return false }
            return true
        }
        return outcome
    }

    @Test("nobody waits: there is nothing to accept, and nothing blocks")
    func nobody() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        guard case .none = listener.accept() else {
            Issue.record("something came")
            return
        }
        let port = listener.port
        #expect(port != 0)
    }

    @Test("a poller reports who waits, until it is told not to")
    func attached() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        let poller = try Poller()
        try listener.attach(to: poller, token: 3)
        #expect(events(of: poller, milliseconds: 0) == [:])
        let client = try Socket.connect(host: "127.0.0.1", port: listener.port)
        defer { client.close() }
        #expect(events(of: poller, milliseconds: 5_000) == [3: .read])
        listener.detach(from: poller)
        #expect(events(of: poller, milliseconds: 0) == [:])
        try listener.attach(to: poller, token: 4)
        #expect(events(of: poller, milliseconds: 5_000) == [4: .read])
        guard case .accepted(let socket, _) = listener.accept() else {
            Issue.record("not accepted")
            return
        }
        socket.close()
        #expect(events(of: poller, milliseconds: 0) == [:])
    }

    @Test("IPv4 peers are told in dotted decimals")
    func ipv4() throws {
        let pair = try SocketPair(host: "127.0.0.1")
        #expect(pair.peer.description == "127.0.0.1")
        #expect(try SocketPair(host: "127.0.0.1").peer == pair.peer, "a port is no part of it")
        #expect(MemoryLayout<PeerAddress>.size == 16)
    }

    @Test("an IPv4 address counts by itself, those of an IPv6 network of 64 bits together")
    func network() {
        let four = PeerAddress(high: 0, low: 0xffff_0a00_0001)
        #expect(four.network == four && four.description == "10.0.0.1")
        #expect(four.network != PeerAddress(high: 0, low: 0xffff_0a00_0002).network)
        let six = PeerAddress(high: 0x2001_0db8_0000_0001, low: 1)
        #expect(six.network == PeerAddress(high: 0x2001_0db8_0000_0001, low: 0xdead_beef).network)
        #expect(six.network != PeerAddress(high: 0x2001_0db8_0000_0002, low: 1).network)
    }

    @Test("IPv6 peers are told in groups", .enabled(if: hasIPv6))
    func ipv6() throws {
        let pair = try SocketPair(host: "::1")
        #expect(pair.peer.description == "0:0:0:0:0:0:0:1")
    }

    @Test("a listener on all of IPv6 takes IPv4 too, and tells it as such", .enabled(if: hasIPv6))
    func dualStack() throws {
        var listener = try Listener(host: "::", port: 0)
        let client = try Socket.connect(host: "127.0.0.1", port: listener.port)
        defer { client.close() }
        guard case .accepted(let socket, let peer) = accept(&listener) else {
            Issue.record("not accepted")
            return
        }
        socket.close()
        #expect(peer.description == "127.0.0.1")
    }

    @Test("listeners of several reactors share a port, and the kernel spreads connections over them")
    func sharedPort() throws {
        var first = try Listener(host: "127.0.0.1", port: 0)
        var second = try Listener(host: "127.0.0.1", port: first.port)
        let port = first.port
        let ports = [first.port, second.port]
        #expect(ports == [port, port])
        let clients = try (0..<64).map { _ in try Socket.connect(host: "127.0.0.1", port: port) }
        defer { for client in clients { client.close() } }
        var counts = [0, 0]
        let haveAllCome = eventually {
            if case .accepted(let socket, _) = first.accept() {
                socket.close()
                counts[0] += 1
            }
            if case .accepted(let socket, _) = second.accept() {
                socket.close()
                counts[1] += 1
            }
            return counts[0] + counts[1] == 64
        }
        #expect(haveAllCome)
        #expect(counts.allSatisfy { $0 > 0 }, "\(counts)")
    }

    @Test("who is gone before it is accepted does no harm to the next")
    func aborted() throws {
        var listener = try Listener(host: "127.0.0.1", port: 0)
        for _ in 0..<5 {
            let early = try Socket.connect(host: "127.0.0.1", port: listener.port)
            early.makeCloseAbortive()
            early.close()
        }
        let client = try Socket.connect(host: "127.0.0.1", port: listener.port)
        defer { client.close() }
        _ = client.send(text: "here")
        // Linux hands over the dead as well; others say ECONNABORTED. Either way the living one comes.
        let isHeard = eventually {
            guard case .accepted(let socket, _) = listener.accept() else { return false }
            defer { socket.close() }
            let hasSpoken = eventually { socket.receiveText().outcome != .wouldBlock }
            return hasSpoken && !isDead(socket)
        }
        #expect(isHeard)
    }

    /// Whether a socket's connection was reset.
    private func isDead(_ socket: Socket) -> Bool {
        if case .failed = socket.send(text: "x") { true } else { false }
    }

    @Test("an address of somebody else cannot be listened on")
    func foreignAddress() {
        let error = #expect(throws: SystemError.self) { _ = try Listener(host: "192.0.2.1", port: 0) }
        #expect(error?.code == EADDRNOTAVAIL)
        #expect(error?.call == "listen 192.0.2.1:0")
    }

    @Test("a process without descriptors refuses who waits instead of spinning, and accepts again later")
    func outOfDescriptors() async {
        // In a process of its own, whose descriptors may run out.
        await #expect(processExitsWith: .success) {
            var listener = try Listener(host: "127.0.0.1", port: 0)
            let poller = try Poller()
            try listener.attach(to: poller, token: 1)
            let clients = try (0..<3).map { _ in try Socket.connect(host: "127.0.0.1", port: listener.port) }
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = 200
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var fillers: [Int32] = []
            func fill() { while case let filler = dup(clients[0].descriptor), filler >= 0 { fillers.append(filler) } }
            fill()
            #expect(!fillers.isEmpty)

            for client in clients {
                #expect(eventually { !events(of: poller, milliseconds: 100).isEmpty })
                // What runs the test may have let go of one meanwhile.
                fill()
                guard case .refused = listener.accept() else {
                    Issue.record("not refused")
                    return
                }
                if client != clients[0] {
                    #expect(eventually { client.receiveText().outcome != .wouldBlock }, "the client is told")
                }
            }
            #expect(events(of: poller, milliseconds: 0).isEmpty, "nothing is left to spin on")

            for filler in fillers { _ = close(filler) }
            let late = try Socket.connect(host: "127.0.0.1", port: listener.port)
            #expect(eventually { !events(of: poller, milliseconds: 100).isEmpty })
            guard case .accepted = listener.accept() else {
                Issue.record("not accepted")
                return
            }
            late.close()
        }
    }
}
