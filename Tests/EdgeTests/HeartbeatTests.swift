import Broker
import Edge
import Foundation
import Hub
import Testing
import Wire

#if canImport(Glibc)
import Glibc
#endif

/// What readers are sent where nothing else was, and how those are found who are gone.
@Suite("Heartbeats")
struct HeartbeatTests {
    @Test("an idle WebSocket is pinged each time where that is wanted, and stays while it answers")
    func pingsEachTime() throws {
        try withNode { configuration in
            // As long as a busy machine takes to answer.
            configuration.limits.heartbeatMilliseconds = 2_000
            configuration.limits.heartbeatsPerPing = 1
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            for _ in 0..<3 {
                #expect(try socket.nextFrame() == .ping([]))
                try socket.send(.pong, [])
            }
            try node.publish("a", "x")
            while true {
                let frame = try socket.nextFrame()
                guard frame == .ping([]) else {
                    #expect(frame != nil && frame != .close(1000, ""))
                    break
                }
                try socket.send(.pong, [])
            }
        }
    }

    @Test("most heartbeats of an idle WebSocket are pongs that nobody answers, and two at most come before a ping")
    func heartbeat() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 1_500
        } _: { node in
            let socket = try node.webSocket("?channel=a&session=none")
            try socket.begin()
            var (pongs, pongsSincePing, pings) = (0, 0, 0)
            while pings < 3 {
                switch try socket.nextFrame() {
                case .pong([])?:
                    pongs += 1
                    pongsSincePing += 1
                    #expect(pongsSincePing <= 2)
                case .ping([])?:
                    pings += 1
                    pongsSincePing = 0
                    try socket.send(.pong, [])
                case let frame: throw TestFailure("neither ping nor pong: \(String(describing: frame))")
                }
            }
            // A slow machine may be late by a heartbeat now and then, but not with all of them.
            #expect(pongs >= 2)
            #expect(node.metrics.timeouts.value == 0)
            try node.publish("a", "x")
            while true {
                let frame = try socket.nextFrame()
                if case .text? = frame { break }
                guard frame == .pong([]) || frame == .ping([]) else {
                    throw TestFailure("no message: \(String(describing: frame))")
                }
                try socket.send(.pong, [])
            }
        }
    }

    @Test("one that answers heartbeats that ask nothing, and with the wrong bytes, stays")
    func answersTooMuch() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
            configuration.limits.heartbeatsPerPing = 10
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            for number in 0..<6 {
                #expect(try socket.nextFrame() == .pong([]))
                try socket.send(.pong, [UInt8](repeating: UInt8(number), count: 4 + number * 20))
                try socket.send(.pong, [])
            }
            #expect(node.metrics.timeouts.value == 0)
        }
    }

    @Test("one that does not answer the ping is closed", arguments: [1, 3])
    func deadPeer(heartbeatsPerPing: Int) throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
            configuration.limits.heartbeatsPerPing = heartbeatsPerPing
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            var frames: [WebSocketClient.Frame] = []
            while let frame = try socket.nextFrame() { frames.append(frame) }
            #expect(frames.last == .ping([]))
            #expect(frames.count <= heartbeatsPerPing)
            #expect(frames.dropLast().allSatisfy { $0 == .pong([]) })
            try eventually("it is counted") { node.metrics.timeouts.value == 1 }
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 0 }
        }
    }

    @Test(
        "a thousand that are idle get their heartbeats together, whole, and between messages",
        arguments: [true, false]
    )
    func heartbeatsOfMany(usesRing: Bool) throws {
        try withNode { configuration in
            // Longer than a busy machine takes to look at all of them, for pings are to be answered.
            configuration.limits.heartbeatMilliseconds = 5_000
            configuration.usesRing = usesRing
        } _: { node in
            let sockets = try (0..<1_000).map { _ in try node.webSocket("?channel=a&format=raw&session=none") }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 1_000 }
            var texts = [Int](repeating: 0, count: sockets.count)
            var beats = [Int](repeating: 0, count: sockets.count)
            var published = 0
            try eventually("everyone got three heartbeats") {
                for (index, socket) in sockets.enumerated() {
                    for frame in socket.framesNow() {
                        switch frame {
                        case .text("x"): texts[index] += 1
                        case .pong([]): beats[index] += 1
                        case .ping([]):
                            beats[index] += 1
                            try socket.send(.pong, [])
                        default: throw TestFailure("\(frame)")
                        }
                    }
                }
                if published < 3, let least = beats.min(), least > published {
                    try node.publish("a", "x")
                    published += 1
                }
                return beats.allSatisfy { $0 >= 3 } && texts.allSatisfy { $0 == published }
            }
            #expect(node.metrics.timeouts.value == 0)
        }
    }

    @Test("one that is sent to is not pinged")
    func busy() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 3_000
        } _: { node in
            let socket = try node.webSocket("?channel=a&session=none")
            try socket.begin()
            let end = monotonicMilliseconds + 4_000
            var before = monotonicMilliseconds
            while monotonicMilliseconds < end {
                let now = monotonicMilliseconds
                try node.publish("a", "x")
                var frame = try socket.nextFrame()
                // Where the machine stood still in between there was time for one.
                while frame == .pong([]), monotonicMilliseconds - before > 2_000 { frame = try socket.nextFrame() }
                guard case .text? = frame else {
                    Issue.record("something else than a message: \(String(describing: frame))")
                    return
                }
                before = now
                usleep(200_000)
            }
        }
    }

    #if os(Linux)
    @Test("readers whose systems are gone without a word are found, although their heartbeats ask nothing")
    func vanishes() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 500
            configuration.limits.heartbeatsPerPing = 1_000
            configuration.limits.stallMilliseconds = 2_000
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            let stream = try node.eventStream("?channel=a")
            let living = try node.webSocket("?channel=a")
            for one in [socket, living] { try one.begin() }
            try stream.begin()
            for client in [socket.client, stream.client] { client.vanish() }
            try eventually("the system of the one that lives says so, and the others are let go of") {
                _ = living.framesNow()
                return node.metrics.webSocketConnections.value == 1 && node.metrics.eventStreamConnections.value == 0
            }
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("a", "x")
            while try living.nextFrame() == .pong([]) {}
        }
    }
    #endif
}

#if os(Linux)
extension TestClient {
    /// Has the system drop all that comes for this socket before it is acknowledged, as if there were no system any more. Source: socket(7),
    /// `SO_ATTACH_FILTER`, with the program `ret #0`.
    func vanish() {
        struct Program {
            var count: UInt16
            var instructions: UnsafeMutablePointer<UInt64>
        }
        // BPF_RET | BPF_K is 6, in the first of four fields.
        var instruction: UInt64 = 6
        let result = withUnsafeMutablePointer(to: &instruction) { instructions in
            var program = Program(count: 1, instructions: instructions)
            return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout<Program>.size))
        }
        #expect(result == 0)
    }
}
#endif
