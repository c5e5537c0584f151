import ArgumentParser
import Foundation
import PerseidClient
import Reactor
import Wire

import struct Broker.ChannelName
import struct Broker.PublicationKey

/// Publishes one payload, or as many as there are lines.
struct Publish: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish to a channel, or to many.",
        discussion: """
            Prints what the node answers. Ends with 0 if it is published, 1 if the node refuses it for good, 75 if trying \
            again may help (nothing answers, or 503), 64 if the command is wrong, 74 if nobody reads its output \
            or its input cannot be read.

            perseid publish - takes publications from standard input as they come, each a line of JSON with its channel, \
            {"channel":"news","data":…}, or "data64" for bytes; "id" is echoed. Each has a name, "once" if the line has none, so that \
            one whose answer is lost is sent again, for --retry seconds, and is there once. The last line on standard error says how \
            many were acknowledged.
            """
    )

    /// `EX_TEMPFAIL` of sysexits(3).
    private static let temporary = ExitCode(75)

    /// The longest time that is tried again for, in seconds: a day.
    private static let retrySecondsMax = 86_400

    @Argument(help: "The channel; - alone takes lines of JSON that name theirs.")
    var channel: String

    @Argument(help: "The payload; - or nothing reads it from standard input, to the end and byte for byte.")
    var payload: String?

    @OptionGroup var node: NodeOptions

    @Flag(help: "The payload is JSON.")
    var json = false

    @Option(help: "What it is about: in a keyed channel it takes the place of what has the same key.")
    var key: String?

    @Flag(help: "There is nothing any more under the key, and no payload.")
    var removed = false

    @Option(help: "Seconds for which it is tried again where no node takes it for now.")
    var retry = 0

    func validate() throws {
        guard ChannelName(channel) != nil else { throw ValidationError("\(channel) is not a channel name") }
        if let key, PublicationKey(key) == nil { throw ValidationError("--key \(PublicationKey.form)") }
        if removed, key == nil { throw ValidationError("--removed needs a --key") }
        if removed, payload != nil { throw ValidationError("what is removed has no payload") }
        guard (0...Self.retrySecondsMax).contains(retry) else {
            throw ValidationError("--retry: a number of seconds, \(Self.retrySecondsMax) at most")
        }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        let client = try node.client {
            $0.publishMilliseconds = UInt64(retry) * 1_000
            $0.publicationsWaitingMax = 2 * PublishLines.waitingCountMax
        }
        defer { client.close() }
        if channel == "-", payload == nil, key == nil { return try publishLines(with: client) }
        let (channel, key, payload) = (channel, key, removed ? Payload.removal : try read())
        let answer: PublicationAnswer
        do {
            answer = try Blocking.run { try await client.send(channel, payload, key: key).answer }
        } catch let error as PerseidError {
            throw Self.say(error)
        }
        if let error = answer.error { throw Self.say(error) }
        StandardOutput.write(answer.line + [UInt8(ascii: "\n")])
    }

    /// Says why it is not published, and returns how to end.
    private static func say(_ error: PerseidError) -> ExitCode {
        StandardError.say(error.advice)
        return error.isTemporary ? temporary : .failure
    }

    private func publishLines(with client: PerseidClient) throws {
        let outcome = try PublishLines(client: client).run()
        if let fault = outcome.inputFault { StandardError.say("\(fault)") }
        StandardError.say(outcome.text)
        if outcome.inputFault != nil { throw StandardInput.Fault.exitCode }
        if outcome.deferred > 0 { throw Self.temporary }
        if outcome.refused > 0 { throw ExitCode.failure }
    }

    private func read() throws -> Payload {
        let bytes = if let payload, payload != "-" { Array(payload.utf8) } else { try Self.input() }
        if json { return .json(bytes) }
        guard bytes.withUnsafeBytes({ UTF8Validator.isValid($0) }) else { return .bytes(bytes) }
        return .text(String(decoding: bytes, as: UTF8.self))
    }

    private static func input() throws(ExitCode) -> [UInt8] {
        do throws(StandardInput.Fault) {
            return try StandardInput.readToEnd()
        } catch {
            StandardError.say("\(error)")
            throw StandardInput.Fault.exitCode
        }
    }
}
