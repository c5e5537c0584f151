import Broker
import Edge
import Foundation
import Hub
import Testing

@testable import PerseidClient

/// Servers that are no nodes, or fail in the middle: a client finds another one, and ends when it is told to.
@Suite struct HarmTests {
    /// What a server does to whoever comes.
    enum Behaviour: String, CaseIterable {
        case closes, answersNothing, speaksAnotherProtocol, answersGarbage, endlessHead, onlyAHead, plainText,
            brokenChunks
        case sendsAMaskedFrame, isHalfAnAnswer

        func act(on connection: OddServer.Connection) {
            guard self != .closes, let head = connection.head() else { return }
            let isUpgrade = head.contains("Upgrade: websocket")
            switch self {
            case .closes: break
            case .answersNothing: connection.waitForEnd()
            case .speaksAnotherProtocol: connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
            case .answersGarbage: connection.send((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 3) })
            case .endlessHead:
                connection.send("HTTP/1.1 200 OK\r\n")
                while connection.send("X-More: \(String(repeating: "x", count: 1_000))\r\n") {}
            case .onlyAHead:
                let type = head.contains("text/event-stream") ? "text/event-stream" : "application/x-ndjson"
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n\r\n")
                connection.waitForEnd()
            case .plainText:
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")
            case .brokenChunks:
                connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                )
            case .sendsAMaskedFrame:
                guard isUpgrade else { return }
                connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                connection.send([0x81, 0x82, 1, 2, 3, 4, 5, 6])
            case .isHalfAnAnswer: connection.send("HTTP/1.1 200 OK\r\nContent-Le")
            }
        }
    }

    @Test("one address that is no node does not keep a client from the next", arguments: Behaviour.allCases)
    func findsAnother(_ behaviour: Behaviour) async throws {
        try await withNode { node in
            let odd = try OddServer { connection, _ in behaviour.act(on: connection) }
            for transports in [Transport.allCases] + Transport.allCases.map({ [$0] }) {
                var options = ClientOptions()
                options.transports = transports
                options.openMilliseconds = 1_000
                options.answerMilliseconds = 4_000
                let client = try PerseidClient(odd.url, node.url, options: options)
                let channel = "room/\(transports.count)-\(transports[0])"
                let room = Listener(client.subscribe(channel))
                try await room.opened()
                try await client.publish(channel, "hello")
                #expect(try await room.texts(1) == ["hello"])
                let failed = room.states.contains { if case .waiting(_, odd.url, _) = $0 { true } else { false } }
                #expect(failed, "\(transports)")
                client.close()
            }
        }
    }

    @Test("a node that says nothing any more is left for another, and its channel goes on where it was")
    func fallsSilent() async throws {
        let silent = try OddServer { connection, _ in
            guard connection.head() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            connection.send("data: {\"type\":\"welcome\",\"node\":\"odd\",\"heartbeat\":1}\n\n")
            connection.send(
                "id: a@1-0\ndata: {\"type\":\"message\",\"channel\":\"a\",\"position\":\"1-0\",\"data\":\"first\"}\n\n"
            )
            connection.waitForEnd()
        }
        try await withNode { node in
            let client = try PerseidClient(silent.url, node.url, options: options(.eventStream))
            let listener = Listener(client.subscribe("a"))
            #expect(try await listener.texts(1) == ["first"])
            // The node has nothing from then on: what it cannot tell is a gap, or nothing at all.
            while true {
                if case .opened? = try await listener.next() { break }
            }
            try await client.publish("a", "second")
            #expect(try await listener.texts(1) == ["second"])
            let reasons = listener.states.compactMap {
                if case .waiting(let error, _, _) = $0 { error.message } else { nil }
            }
            #expect(reasons.count == 1 && reasons[0].hasPrefix("no sign of life in "))
            client.close()
        }
    }

    @Test(
        "a message without end is told as an error and held no longer",
        arguments: [Transport.webSocket, .eventStream, .jsonStream]
    )
    func endless(_ transport: Transport) async throws {
        let odd = try OddServer { connection, _ in
            guard let head = connection.head() else { return }
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 65_536)
            if head.contains("Upgrade") {
                guard let start = head.range(of: "Sec-WebSocket-Key: ")?.upperBound else { return }
                let key = head[start...].prefix { !$0.isNewline }
                connection.send(
                    "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: \(Self.accept(String(key)))\r\n\r\n"
                )
                connection.send([0x01, 127, 0, 0, 1, 0, 0, 0, 0, 0])
            } else if head.contains("ndjson") {
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
            } else {
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ")
            }
            while connection.send(piece) {}
        }
        let client = try PerseidClient(odd.url, options: options(transport) { $0.messageBytesMax = 1_000_000 })
        let listener = Listener(client.subscribe("a"))
        let error = await #expect(throws: PerseidError.self) { try await listener.next() }
        #expect(error?.code == 1_009 && error?.isFinal == true)
        client.close()
    }

    /// What a server proves with that it read the handshake.
    private static func accept(_ key: String) -> String {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = ["dgst", "-sha1", "-binary"]
        (process.standardInput, process.standardOutput) = (input, output)
        try? process.run()
        input.fileHandleForWriting.write(Data("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        try? input.fileHandleForWriting.close()
        let digest = output.fileHandleForReading.readDataToEndOfFile()
        return digest.base64EncodedString()
    }

    @Test("an answer without end fails, and a question that is not answered does, too")
    func questions() async throws {
        let odd = try OddServer { connection, number in
            guard connection.head() != nil else { return }
            if number == 0 { return connection.waitForEnd() }
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x20, count: 65_536) + Array("\r\n".utf8)
            while connection.send(chunk) {}
        }
        let client = try PerseidClient(
            odd.url,
            options: options(.webSocket) {
                $0.answerMilliseconds = 3_000
                $0.answerBytesMax = 1_000_000
            }
        )
        let silent = await #expect(throws: PerseidError.self) { try await client.history("a") }
        #expect(silent?.message == "no answer in time")
        let endless = await #expect(throws: PerseidError.self) { try await client.presence("a") }
        #expect(endless?.code == 1_009)
        client.close()
    }

    @Test("what a client is closed for ends: loops, questions, publications")
    func closes() async throws {
        let odd = try OddServer { connection, _ in connection.waitForEnd() }
        let client = try PerseidClient(odd.url)
        let listener = Listener(client.subscribe("a"))
        let history = Task { try await client.history("a") }
        let position = Task { try await client.publish("a", "x") }
        try await Task.sleep(for: .milliseconds(50))
        client.close()
        #expect(try await listener.next() == nil)
        await #expect(throws: PerseidError.self) { try await history.value }
        await #expect(throws: PerseidError.self) { try await position.value }
        let late = Listener(client.subscribe("a"))
        await #expect(throws: PerseidError.self) { try await late.next() }
        await #expect(throws: PerseidError.self) { try await client.publish("a", "x") }
    }

    // MARK: Cancellation

    /// Where a client is when its task is cancelled.
    enum Stage: String, CaseIterable, Codable {
        case connecting, waitingForAnswer, open, polling, waiting, waitingForToken, lookingUp
    }

    @Test(
        "a loop that is cancelled ends at once, whatever its client does, and leaves nothing behind",
        arguments: Stage.allCases
    )
    func cancelled(_ stage: Stage) async {
        // In a process of its own: other tests open and close descriptors, too.
        await #expect(processExitsWith: .success) { [stage] in try await HarmTests().cancelOften(stage) }
    }

    private func cancelOften(_ stage: Stage) async throws {
        let silent = try OddServer { connection, _ in connection.waitForEnd() }
        try await withNode { node in
            let before = OwnProcess.descriptorCount
            let url = node.url
            for _ in 0..<150 {
                let client = try makeClient(stage, node: url, silent: silent.url)
                let task = Task {
                    var count = 0
                    for try await _ in client.subscribe("a").events { count += 1 }
                    return count
                }
                if stage == .open || stage == .polling {
                    try await eventually("it is subscribed", isTrue: { node.metrics.hub.topics.value > 0 })
                } else {
                    try await Task.sleep(for: .milliseconds(3))
                }
                task.cancel()
                _ = try await within { try await task.value }
            }
            try await eventually("descriptors are closed", isTrue: { OwnProcess.descriptorCount < before + 100 })
        }
    }

    private func makeClient(_ stage: Stage, node: String, silent: String) throws -> PerseidClient {
        switch stage {
        case .connecting, .waitingForAnswer: try PerseidClient(silent)
        case .open: try PerseidClient(node)
        case .polling: try PerseidClient(node, options: options(.longPoll))
        case .waiting: try PerseidClient("http://127.0.0.1:1")
        case .lookingUp: try PerseidClient("http://localhost:1")
        case .waitingForToken:
            try PerseidClient(
                node,
                options: options(.webSocket) {
                    $0.token = .provider {
                        try await Task.sleep(for: .seconds(3_600))
                        return "never"
                    }
                }
            )
        }
    }

    @Test("a publication that a node does not take for now is taken to another")
    func unwilling() async throws {
        let odd = try OddServer { connection, _ in
            guard connection.head() != nil else { return }
            connection.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        }
        try await withNode { node in
            let client = try PerseidClient(odd.url, node.url)
            try await client.publish("a", "hello")
            let other = try PerseidClient(node.url)
            #expect(try await other.history("a").messages.map(\.text) == ["hello"])
            client.close()
        }
    }

    @Test("a publication that is cancelled is waited for no longer")
    func cancelledPublication() async throws {
        let silent = try OddServer { connection, _ in connection.waitForEnd() }
        let client = try PerseidClient(silent.url)
        let task = Task { try await client.publish("a", "x") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await within { try await task.value } }
        client.close()
    }

    @Test("clients that nobody holds any more have no threads")
    func threads() async {
        // In a process of its own: other tests have clients, too.
        await #expect(processExitsWith: .success) {
            try await withNode { node in
                for _ in 0..<50 {
                    let client = try PerseidClient(node.url)
                    let listener = Listener(client.subscribe("a"))
                    try await listener.opened()
                }
                try await eventually("their threads end", isTrue: { OwnProcess.clientThreadCount < 30 })
            }
        }
    }
}
