import Foundation
import Reactor
import Synchronization

/// Streams read by curl: one process, any number of streams, each into a file of its own.
final class StreamClient: Listeners {
    /// One stream: where, and from which cursor.
    struct Stream {
        let port: UInt16
        let target: String
        var lastEventID: String?
    }

    private let process: ChildProcess
    private let readers: Lock<[StreamFile]>

    init(_ streams: [Stream], in scratch: Scratch) throws {
        let number = scratch.nextNumber()
        let files = streams.indices.map { scratch.file("\(number)-stream-\($0)") }
        var arguments = ["curl", "--parallel", "--parallel-immediate", "--parallel-max", "300"]
        for (stream, file) in zip(streams, files) {
            arguments += [
                "--no-buffer", "--silent", "--show-error", "--output", file.path,
                "--write-out", "%{url} ended: %{http_code} %{errormsg}\\n",
            ]
            if let id = stream.lastEventID { arguments += ["--header", "Last-Event-ID: \(id)"] }
            arguments += ["http://127.0.0.1:\(stream.port)\(stream.target)", "--next"]
        }
        process = try ChildProcess(arguments.dropLast(), in: scratch)
        readers = Lock(files.map { StreamFile($0) })
    }

    func received() throws -> [[Received]] {
        try readers.withLock { readers in
            for index in readers.indices { try readers[index].read() }
            return readers.map(\.received)
        }
    }

    /// The cursors that browsers would send back now.
    func cursors() throws -> [String] {
        _ = try received()
        return readers.withLock { $0.map(\.cursor) }
    }

    func ended() -> [String] {
        let lines = process.outputText.split(separator: "\n").map(String.init)
        return process.isRunning || !lines.isEmpty ? lines : ["curl ended: \(process.errorText)"]
    }

    func signal(_ number: Int32) { process.signal(number) }

    /// Cuts all connections.
    func close() async throws {
        process.signal(SIGKILL)
        try await process.end()
    }
}

/// A file into which an event stream flows, read as the HTML standard says, line by line; or another stream, each of whose
/// messages is a line, or within one.
private struct StreamFile {
    private let file: URL
    private var offset: UInt64 = 0
    private var rest = Data()
    private var event = ""
    private var data = ""
    private var pendingCursor = ""

    private(set) var cursor = ""
    private(set) var received: [Received] = []

    init(_ file: URL) { self.file = file }

    mutating func read() throws {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return }
        defer { try? handle.close() }
        try handle.seek(toOffset: offset)
        guard let more = try handle.readToEnd() else { return }
        offset += UInt64(more.count)
        let lines = (rest + more).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for line in lines.dropLast() { take(String(decoding: line, as: UTF8.self)) }
        rest = Data(lines.last ?? Data())
    }

    private mutating func take(_ line: String) {
        if line.hasPrefix("{"), let message = Received(json: Data(line.utf8)) { return received.append(message) }
        if line.hasPrefix("<script>p("), let message = Self.called(line) { return received.append(message) }
        if line.isEmpty { return dispatch() }
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? (parts[1].hasPrefix(" ") ? parts[1].dropFirst() : parts[1]) : ""
        switch parts[0] {
        case "id": pendingCursor = String(value)
        case "event": event = String(value)
        case "data": data += data.isEmpty ? String(value) : "\n\(value)"
        default: break
        }
    }

    /// What a forever frame hands to its page: a string that holds a message.
    private static func called(_ line: String) -> Received? {
        let argument = line.dropFirst("<script>p(".count).dropLast(")</script>".count)
        let string = try? JSONSerialization.jsonObject(with: Data(argument.utf8), options: .fragmentsAllowed)
        return (string as? String).flatMap { Received(json: Data($0.utf8)) }
    }

    private mutating func dispatch() {
        cursor = pendingCursor
        if var message = Received(json: Data(data.utf8)) {
            message.cursor = cursor
            received.append(message)
        }
        event = ""
        data = ""
    }
}
