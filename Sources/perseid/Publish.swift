import ArgumentParser
import Broker
import Foundation
import Reactor
import Text
import Wire

/// Publishes one payload.
struct Publish: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish to a channel, or to many.",
        discussion: """
            Prints what the node answers. Ends with 0 if it is published, 1 if the node refuses it for good, 75 if trying \
            again may help (nothing answers, or 503), 64 if the command is wrong.

            perseid publish - takes publications from standard input as they come, each a line of JSON with its channel, \
            {"channel":"news","data":…}, or "data64" for bytes; "once" makes repeating safe, and "id" is echoed.
            """
    )

    /// `EX_TEMPFAIL` of sysexits(3).
    private static let temporary = ExitCode(75)

    @Argument(help: "The channel; - alone takes lines of JSON that name theirs.")
    var channel: String

    @Argument(help: "The payload; - or nothing reads it from standard input, to the end and byte for byte.")
    var payload: String?

    @OptionGroup var node: NodeOptions

    @Flag(help: "The payload is JSON.")
    var json = false

    func validate() throws {
        guard ChannelName(channel) != nil else { throw ValidationError("\(channel) is not a channel name") }
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        let address = try node.address()
        if channel == "-", payload == nil { return try publishLines(to: address) }
        let request = try request(to: address)
        var reader = AnswerReader()
        var body: [UInt8] = []
        do {
            try address.exchange(request.bytes) {
                try reader.take($0) { _, bytes in body += bytes }
                return !reader.isComplete
            }
        } catch {
            StandardError.say("\(address.authority): \(error)")
            throw Self.temporary
        }
        guard let head = reader.head else {
            StandardError.say("\(address.authority): the connection ended without an answer")
            throw Self.temporary
        }
        guard (200..<300).contains(head.status) else {
            let refusal = Refusal(head, body: body)
            StandardError.say(refusal.text)
            throw refusal.isTemporary ? Self.temporary : ExitCode.failure
        }
        StandardOutput.write(body + [UInt8(ascii: "\n")])
    }

    private func publishLines(to address: NodeAddress) throws {
        let outcome: PublishLines.Outcome
        do {
            outcome = try PublishLines(address: address, key: try node.key()).run()
        } catch let error as SystemError {
            StandardError.say("\(address.authority): \(error)")
            throw Self.temporary
        }
        if let refusal = outcome.refusal {
            StandardError.say(refusal.text)
            throw refusal.isTemporary ? Self.temporary : ExitCode.failure
        }
        if outcome.unanswered > 0 { StandardError.say("\(outcome.unanswered) lines were not answered") }
        if outcome.unanswered > 0 || outcome.deferred > 0 { throw Self.temporary }
        if outcome.refused > 0 { throw ExitCode.failure }
    }

    private func request(to address: NodeAddress) throws -> ByteBuffer {
        let body = try bytes()
        var request = ByteBuffer()
        request.append(utf8: "POST /channels/\(PercentCoding.encode(channel)) HTTP/1.1\r\n")
        request.append(utf8: "Host: \(address.authority)\r\nConnection: close\r\nContent-Length: \(body.count)\r\n")
        request.append(field: "Content-Type", utf8: contentType(of: body))
        if let key = try node.key() { request.append(field: "Authorization", utf8: "Bearer \(key)") }
        request.appendHeadEnd()
        request.append(body)
        return request
    }

    private func contentType(of body: [UInt8]) -> String {
        if json { return "application/json" }
        return body.withUnsafeBytes { UTF8Validator.isValid($0) }
            ? "text/plain; charset=utf-8" : "application/octet-stream"
    }

    private func bytes() throws -> [UInt8] {
        if let payload, payload != "-" { return Array(payload.utf8) }
        return Array(try FileHandle.standardInput.readToEnd() ?? Data())
    }
}
