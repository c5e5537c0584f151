import Foundation
import Reactor
import Synchronization

/// WebSockets held by Python's `websockets`: one process, any number of connections.
final class WebSocketClient: Listeners {
    private struct State {
        var offset: UInt64 = 0
        var rest = Data()
        var received: [[Received]]
        var ended: [String] = []
    }

    private let process: ChildProcess
    private let state: Lock<State>

    /// Opens a WebSocket for each port and target.
    init(_ sockets: [(port: UInt16, target: String)], in scratch: Scratch) async throws {
        let urls = sockets.map { "ws://127.0.0.1:\($0.port)\($0.target)" }
        let python = try await Self.python(in: scratch)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients/hold_websockets.py")
        process = try ChildProcess([python, script.path] + urls, in: scratch)
        state = Lock(State(received: sockets.map { _ in [] }))
    }

    /// The system's Python if it has the package, else the first on the path.
    private static func python(in scratch: Scratch) async throws -> String {
        let system = "/usr/bin/python3"
        let hasPackage = try? await ChildProcess.run([system, "-c", "import websockets"], in: scratch)
        return hasPackage == nil ? "python3" : system
    }

    /// Sends a text on one of them.
    func send(_ text: String, on client: Int = 0) throws {
        let line = try JSONSerialization.data(withJSONObject: ["client": client, "send": text])
        try process.tell(String(decoding: line, as: UTF8.self))
    }

    func received() throws -> [[Received]] {
        try read()
        return state.withLock { $0.received }
    }

    func ended() -> [String] {
        try? read()
        let lines = state.withLock { $0.ended }
        return process.isRunning || !lines.isEmpty ? lines : ["python ended: \(process.errorText)"]
    }

    /// Cuts all connections.
    func close() async throws {
        process.signal(SIGKILL)
        try await process.end()
    }

    private func read() throws {
        try state.withLock { state in
            let handle = try FileHandle(forReadingFrom: process.output)
            defer { try? handle.close() }
            try handle.seek(toOffset: state.offset)
            guard let more = try handle.readToEnd() else { return }
            state.offset += UInt64(more.count)
            let lines = (state.rest + more).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            for line in lines.dropLast() { Self.take(line, into: &state) }
            state.rest = Data(lines.last ?? Data())
        }
    }

    /// A line is the number of a client, a letter for what happened, and a text: `m` a message, `e` the end.
    private static func take(_ line: Data, into state: inout State) {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count == 3, let client = Int(String(decoding: parts[0], as: UTF8.self)) else { return }
        if parts[1].first == UInt8(ascii: "e") {
            state.ended.append("WebSocket \(client) ended: \(String(decoding: parts[2], as: UTF8.self))")
        } else if let message = Received(json: parts[2]) {
            state.received[client].append(message)
        }
    }
}
