import Broker
import Edge
import Foundation
import Hub
import Reactor
import Synchronization
import Testing
import Wire

/// Letting clients go.
@Suite("Drain")
struct DrainTests {
    /// A node that is being stopped by another thread.
    private final class Stopping: Sendable {
        private let milliseconds = Lock<Double?>(nil)

        init(_ node: Node) {
            Thread.detachNewThread { [self] in
                let start = monotonicMilliseconds
                node.stop()
                milliseconds.withLock { $0 = monotonicMilliseconds - start }
            }
        }

        /// How long it took, once it is over.
        func wait() throws -> Double {
            var result: Double?
            try eventually("the node stops") {
                result = milliseconds.withLock { $0 }
                return result != nil
            }
            return result ?? 0
        }

        var isOver: Bool { milliseconds.withLock { $0 } != nil }
    }

    private func withDraining(
        _ change: (inout EdgeConfiguration) -> Void,
        _ body: (TestNode) throws -> Void
    ) throws {
        var configuration = EdgeConfiguration()
        configuration.port = 0
        configuration.nodeID = "n1"
        change(&configuration)
        try body(TestNode(configuration))
    }

    @Test("every client is told and closed, nobody new gets in, and the time is kept", arguments: [1, 2])
    func drains(reactorCount: Int) throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 10_000
            configuration.reactorCount = reactorCount
        } _: { node in
            let sockets = try (0..<20).map { _ in try node.webSocket("?channel=a") }
            let streams = try (0..<20).map { _ in try node.eventStream("?channel=a") }
            let idle = try node.connect()
            #expect(try idle.ask("GET", "/healthz").status == 200)
            for socket in sockets { try socket.begin() }
            for stream in streams { try stream.begin() }
            let port = node.port
            let stopping = Stopping(node.node)
            for socket in sockets {
                let bye = try socket.next("bye")
                #expect(bye.code == 4_000)
                #expect(bye["reconnect"] as? Bool == true)
                // A quarter of it.
                #expect((0...2_500).contains(bye["after"] as? Int ?? -1))
                #expect(try socket.nextClose().code == 4_000)
            }
            for stream in streams {
                #expect(try stream.next("bye").message.code == 4_000)
                #expect(try stream.nextOrEnd() == nil)
            }
            #expect(idle.ends() && idle.buffer.isEmpty)
            // They did not close their end yet, so the node still waits; nobody new gets in meanwhile.
            #expect(!stopping.isOver)
            #expect(throws: ConnectFailure.self) { try TestClient(port: port) }
            for socket in sockets { socket.close() }
            for stream in streams { stream.close() }
            idle.close()
            #expect(try stopping.wait() < 10_500)
            #expect(throws: ConnectFailure.self) { try TestClient(port: port) }
        }
    }

    @Test("a node without clients stops at once")
    func drainsNobody() throws {
        try withDraining { _ in
        } _: { node in
            #expect(try node.ask("GET", "/healthz").status == 200)
            try eventually("the client is gone") { node.metrics.httpConnections.value == 0 }
            #expect(try Stopping(node.node).wait() < 5_000)
        }
    }

    @Test("many clients are all told within the time")
    func drainsMany() throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 5_000
        } _: { node in
            let sockets = try (0..<1_500).map { _ in try node.webSocket("?format=raw") }
            // Raw ones are told by the close frame alone.
            let milliseconds = try Stopping(node.node).wait()
            #expect(milliseconds < 9_000)
            let told = sockets.count { $0.framesNow() == [.close(4_000, "the node is going away")] }
            #expect(told == 1_500)
            for socket in sockets { socket.close() }
        }
    }

    @Test("whose time for another request is looked at as it is let go gets the rest of its answer")
    func drainsAmongTimers() throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 4_000
            configuration.limits.closeMilliseconds = 60_000
            // Of each connection a timer comes due with every tick.
            configuration.limits.heartbeatMilliseconds = 100
        } _: { node in
            try node.publish("a", [[UInt8](repeating: 97, count: 24_000)])
            // The first are let go at once, the others by ticks.
            let first = try (0..<64).map { _ in try node.connect() }
            for client in first { #expect(try client.ask("GET", "/healthz").status == 200) }
            let slow = try (0..<10).map { _ in try node.connect(receiveBytes: 8_192) }
            for client in slow { try client.sendRequest("GET", "/channels/a/history") }
            try eventually("all are answered") { node.metrics.requests.value == 64 + 10 + 1 }
            let last = try node.webSocket("?channel=b")
            try last.begin()
            let stopping = Stopping(node.node)
            #expect(try last.next("bye").code == 4_000)
            for client in slow {
                #expect(try client.readAnswer().body.count > 24_000)
                #expect(client.ends() && !client.isReset)
            }
            for client in first + slow + [last.client] { client.close() }
            _ = try stopping.wait()
        }
    }

    @Test("what is said behind the goodbye is not counted as held once it is let go", arguments: [true, false])
    func countsFragments(isBegunBefore: Bool) throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 30_000
            configuration.limits.closeMilliseconds = 60_000
        } _: { node in
            let (other, socket) = (try node.connect(), try node.webSocket("?channel=a"))
            #expect(try other.ask("GET", "/healthz").status == 200)
            try socket.begin()
            let fragment = [UInt8](repeating: 120, count: 50_000)
            if isBegunBefore {
                try socket.send(.text, fragment, isFinal: false)
                try eventually("it is counted") { node.metrics.heldInputBytes.value >= fragment.count }
            }
            let stopping = Stopping(node.node)
            #expect(try socket.next("bye").code == 4_000)
            #expect(try socket.nextClose().code == 4_000)
            if isBegunBefore {
                try socket.send(.continuation, [])
            } else {
                try socket.send(.text, fragment, isFinal: false)
            }
            try socket.sendClose(1_000)
            socket.close()
            try eventually("it is gone") { node.metrics.webSocketConnections.value == 0 }
            // Told once a second.
            usleep(1_500_000)
            #expect(node.metrics.heldInputBytes.value == 0)
            other.close()
            _ = try stopping.wait()
        }
    }

    @Test("a client that reads nothing does not hold the node, and its connection ends with it")
    func drainsStopped() throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 500
            configuration.limits.closeMilliseconds = 60_000
        } _: { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 4_096)
            try socket.begin()
            try node.publish("a", SlowReaderTests.bodies(0..<400))
            try eventually("it is behind") { node.metrics.hub.laggards.value == 1 }
            #expect(try Stopping(node.node).wait() < 10_000)
            #expect(socket.client.ends())
        }
    }

    @Test("what was asked before the end is answered")
    func answersPending() throws {
        try withDraining { configuration in
            configuration.limits.drainMilliseconds = 2_000
        } _: { node in
            let clients = try (0..<20).map { _ in try node.connect() }
            for client in clients { #expect(try client.ask("GET", "/healthz").status == 200) }
            for client in clients { try client.sendRequest("POST", "/channels/a", body: "last") }
            try eventually("all were asked") { node.metrics.publishes.value == 20 }
            let stopping = Stopping(node.node)
            for client in clients {
                #expect(try client.readAnswer().status == 200)
                #expect(client.ends())
                client.close()
            }
            _ = try stopping.wait()
        }
    }
}
