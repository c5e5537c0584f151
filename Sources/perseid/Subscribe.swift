import ArgumentParser
import Foundation
import PerseidClient
import Reactor

import struct Broker.ChannelName
import struct Broker.Cursor
import struct Broker.MaxRate

/// Prints what is published, one line per message, and goes on where it was when the connection is lost.
struct Subscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what is published to channels.",
        discussion: """
            Comes back where it was until it is interrupted or refused for good. Messages and gaps go to standard output, what happens to \
            the connection to standard error, where a terminal also shows the rate.

            Ends with 0 once --count messages came, or if the node says that there will be no more; 1 if it is refused for good; 64 if the \
            command is wrong; 74 if nobody reads its output.
            """
    )

    @Argument(help: "The channels, or patterns such as chat/*.")
    var channels: [String]

    @OptionGroup var node: NodeOptions

    @Option(help: "Where to begin, as printed by --show-cursor or told by a node.")
    var cursor: String?

    @Option(
        help: "The transport: webSocket, eventStream, jsonStream or longPoll (default: the first of these that works)."
    )
    var transport: TransportChoice?

    @Option(help: "Batches a second and channel, at most: from 0.1 to 20 (default: whenever there is something).")
    var maxRate: String?

    @Option(help: "The session to go on with, as a node told it, or none.")
    var session: String?

    @Flag(
        help:
            "Print payloads only, bytes as they are, each with a line break behind it; gaps are told on standard error."
    )
    var raw = false

    @Flag(help: "Print each message and gap as a line of JSON, as nodes tell it; so it is without this flag.")
    var json = false

    @Flag(help: "Print the cursor behind each message, separated by a tab.")
    var showCursor = false

    @Option(help: "End after so many messages.")
    var count: Int?

    @Option(help: "Bytes a message may have; a larger one ends the command.")
    var eventBytesMax = 16_777_216

    /// Time in which a connection says something. People and scripts can wait longer than programs.
    private static let openMilliseconds: UInt64 = 10_000

    func validate() throws {
        for channel in channels where ChannelName(channel) == nil {
            throw ValidationError("\(channel) is not a channel name")
        }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count: must be at least 1") }
        guard eventBytesMax > 0 else { throw ValidationError("--event-bytes-max: must be at least 1") }
        guard !(raw && json) else { throw ValidationError("--raw and --json: one of them") }
        if let cursor, Cursor(cursor) == nil { throw ValidationError("--cursor: not a cursor") }
        if let maxRate, MaxRate(maxRate) == nil { throw ValidationError("--max-rate: \(MaxRate.form)") }
        if let session, session.isEmpty || !session.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
            throw ValidationError("--session: neither a session's token nor none")
        }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        let client = try node.client { options in
            options.maxRate = maxRate.flatMap { Double($0) }
            if let transport { options.transports = [transport.transport] }
            if let session { options.session = session == "none" ? .none : .resumed(session) }
            options.messageBytesMax = eventBytesMax
            options.openMilliseconds = Self.openMilliseconds
        }
        let subscription = client.subscribe(channels, cursor: cursor ?? "")
        let cursors: (@Sendable () -> String)? = showCursor ? { @Sendable in subscription.cursor } : nil
        let printer = MessagePrinter(raw ? .payload : .json, cursors: cursors)
        let countMax = count
        let ending = try Blocking.run { await Subscribe.follow(subscription, printer, countMax) }
        client.close()
        ProgressLine.shared.clear()
        try finish(ending)
    }

    /// How it ends.
    private enum Ending: Sendable {
        case done
        case refused(PerseidError)
    }

    private static func follow(_ subscription: Subscription, _ printer: MessagePrinter, _ countMax: Int?) async
        -> Ending
    {
        var log = ConnectionLog()
        let meter = Meter { "\($0) messages, \($1)/s" }
        var count = 0
        do throws(PerseidError) {
            for try await event in subscription.events {
                switch event {
                case .message(let message):
                    printer.print(message)
                    meter.count()
                    count += 1
                    if count == countMax { return .done }
                case .gap(let gap):
                    printer.print(gap)
                    log.note(gap)
                case .opened(let opened): log.note(opened)
                case .connection(let state): if let error = log.note(state) { return .refused(error) }
                }
            }
        } catch {
            return .refused(error)
        }
        return .done
    }

    private func finish(_ ending: Ending) throws {
        guard case .refused(let error) = ending else { return }
        switch error.code {
        case 204:
            StandardError.say(error.message)
            return
        case 200: StandardError.say(error.message)
        case 1_009: StandardError.say("an event of more than \(eventBytesMax) bytes: raise --event-bytes-max")
        case 4_000...: StandardError.say("the node ends the stream: \(error.message)")
        default: StandardError.say("refused: \(error.advice)")
        }
        throw ExitCode.failure
    }
}

/// A transport as it is written on the command line.
struct TransportChoice: ExpressibleByArgument {
    let transport: Transport

    /// The names that it has in addresses are taken, too.
    private static let shortNames: [String: Transport] = [
        "ws": .webSocket, "sse": .eventStream, "stream": .jsonStream, "poll": .longPoll,
    ]

    init?(argument: String) {
        guard let transport = Transport(rawValue: argument) ?? Self.shortNames[argument] else { return nil }
        self.transport = transport
    }

    static var allValueStrings: [String] { Transport.allCases.map(\.rawValue) }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }

    var defaultValueDescription: String { transport.rawValue }
}
