import ArgumentParser
import Wire

/// Prints what is published, one line per message, and resumes when the connection is lost.
struct Subscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what is published to channels.",
        discussion: "Reads an event stream and reconnects from the last cursor until it is interrupted."
    )

    @Argument(help: "The channels.")
    var channels: [String]

    @Option(help: "A node or a balancer.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Where to begin, as printed by --show-cursor or told by a node.")
    var cursor: String?

    @Option(help: "The transport; sse is the one this command speaks so far.")
    var transport = "sse"

    @Flag(help: "Print payloads only.")
    var raw = false

    @Flag(help: "Print the cursor behind each message, separated by a tab.")
    var showCursor = false

    @Option(help: "End after so many messages.")
    var count: Int?

    func validate() throws {
        guard !channels.isEmpty else { throw ValidationError("at least one channel is needed") }
        guard transport == "sse" else { throw ValidationError("\(transport) is not a transport of this command: sse") }
    }

    func run() throws {
        guard let node = NodeAddress(url) else { throw ValidationError("\(url) is not http://host[:port]") }
        var reader = StreamReader(showsCursor: showCursor, countMax: count, cursor: cursor ?? "")
        while !reader.isDone {
            let request = request(to: node, cursor: reader.cursor)
            do {
                try node.exchange(request.bytes, isEndless: true) { try reader.take($0) }
            } catch let error as StreamReader.Refused {
                print(error.body)
                throw ExitCode.failure
            } catch  where reader.wasConnected {
                // A stream that worked once is taken up again; only the first connect may fail for good.
            }
            reader.prepareToReconnect()
        }
    }

    private func request(to node: NodeAddress, cursor: String) -> ByteBuffer {
        let query = channels.map { "channel=\(PercentCoding.encode($0))" } + (raw ? ["format=raw"] : [])
        var request = ByteBuffer()
        request.append(utf8: "GET /sse?\(query.joined(separator: "&")) HTTP/1.1\r\nHost: \(node.authority)\r\n")
        request.append(utf8: "Accept: text/event-stream\r\n")
        if !cursor.isEmpty { request.append(field: "Last-Event-ID", utf8: cursor) }
        request.appendHeadEnd()
        return request
    }
}
