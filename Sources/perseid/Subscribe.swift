import ArgumentParser
import Broker
import Foundation
import Reactor
import Text
import Wire

/// Prints what is published, one line per message, and goes on from its cursor when the stream is lost.
struct Subscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what is published to channels.",
        discussion: """
            Reads an event stream and comes back from the last cursor until it is interrupted or refused for good. \
            Messages and gaps go to standard output, what happens to the stream to standard error.
            """
    )

    @Argument(help: "The channels.")
    var channels: [String]

    @OptionGroup var node: NodeOptions

    @Option(help: "Where to begin, as printed by --show-cursor or told by a node.")
    var cursor: String?

    @Option(help: "The transport; sse is the one this command speaks so far.")
    var transport = "sse"

    @Flag(help: "Print payloads only, bytes as they are; gaps are told on standard error.")
    var raw = false

    @Flag(help: "Print the cursor behind each message, separated by a tab.")
    var showCursor = false

    @Option(help: "End after so many messages.")
    var count: Int?

    @Option(help: "Bytes an event may have; a larger one ends the command.")
    var eventBytesMax = 16_777_216

    func validate() throws {
        for channel in channels where ChannelName(channel) == nil {
            throw ValidationError("\(channel) is not a channel name")
        }
        guard transport == "sse" else { throw ValidationError("\(transport) is not a transport of this command: sse") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count: must be at least 1") }
        guard eventBytesMax > 0 else { throw ValidationError("--event-bytes-max: must be at least 1") }
        if let cursor, !cursor.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
            throw ValidationError("--cursor: not a cursor")
        }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        let (address, key) = (try node.address(), try node.key())
        var reader = StreamReader(
            showsCursor: showCursor,
            printsPayloads: raw,
            countMax: count,
            eventBytesMax: eventBytesMax,
            cursor: cursor ?? ""
        )
        var backoff = Backoff()
        var lastSaid = ""
        while true {
            let loss: Loss
            do {
                loss = try readStream(of: address, key: key, with: &reader)
            } catch let end as StreamReader.Finished {
                StandardError.say(end.reason)
                throw end.isFailure ? ExitCode.failure : ExitCode.success
            }
            if reader.isDone { return }
            if loss.wasConnected { backoff.reset() }
            // Said once, however often it is tried.
            if loss.wasConnected || loss.reason != lastSaid { StandardError.say("\(loss.reason); trying again") }
            lastSaid = loss.reason
            Thread.sleep(forTimeInterval: Double(backoff.next(asked: loss.retryMilliseconds)) / 1_000)
        }
    }

    /// How a stream ended that may go on.
    private struct Loss {
        let reason: String
        let wasConnected: Bool
        let retryMilliseconds: UInt64?
    }

    /// Reads one stream to its end, however that comes.
    ///
    /// - Throws: `StreamReader.Finished` where there is no use in trying again.
    private func readStream(of address: NodeAddress, key: String?, with reader: inout StreamReader) throws -> Loss {
        reader.begin()
        let request = request(to: address, key: key, cursor: reader.cursor)
        var reason = "the connection ended"
        do {
            try address.exchange(request.bytes, patience: { reader.patience }) { try reader.take($0) }
        } catch let end as StreamReader.Finished {
            throw end
        } catch {
            reason = "\(error)"
        }
        if let refusal = try reader.refusal() {
            let reason = "\(address.authority): \(refusal.text)"
            return Loss(reason: reason, wasConnected: false, retryMilliseconds: refusal.retryAfterMilliseconds)
        }
        return Loss(
            reason: reader.isConnected ? "lost: \(reason)" : "\(address.authority): \(reason)",
            wasConnected: reader.isConnected,
            retryMilliseconds: reader.retryMilliseconds
        )
    }

    private func request(to address: NodeAddress, key: String?, cursor: String) -> ByteBuffer {
        // Payloads are taken out here: who is sent nothing else is not told where it stands before the first of them.
        let query = channels.map { "channel=\(PercentCoding.encode($0))" }
        var request = ByteBuffer()
        request.append(utf8: "GET /sse?\(query.joined(separator: "&")) HTTP/1.1\r\nHost: \(address.authority)\r\n")
        request.append(utf8: "Accept: text/event-stream\r\nConnection: close\r\n")
        if let key { request.append(field: "Authorization", utf8: "Bearer \(key)") }
        if !cursor.isEmpty { request.append(field: "Last-Event-ID", utf8: cursor) }
        request.appendHeadEnd()
        return request
    }
}
