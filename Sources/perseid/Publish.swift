import ArgumentParser
import Wire

/// Publishes one payload.
struct Publish: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Publish to a channel.")

    @Argument(help: "The channel.")
    var channel: String

    @Argument(help: "The payload; - or nothing reads it from standard input.")
    var payload: String?

    @Option(help: "A node or a balancer.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "API key, if the node wants one.")
    var apiKey: String?

    @Flag(help: "The payload is JSON.")
    var json = false

    func run() throws {
        guard let node = NodeAddress(url) else { throw ValidationError("\(url) is not http://host[:port]") }
        var body = ByteBuffer()
        if let payload, payload != "-" {
            body.append(utf8: payload)
        } else {
            while let line = readLine(strippingNewline: false) { body.append(utf8: line) }
        }
        var request = ByteBuffer()
        request.append(utf8: "POST /channels/\(PercentCoding.encode(channel)) HTTP/1.1\r\n")
        request.append(utf8: "Host: \(node.authority)\r\nConnection: close\r\nContent-Length: \(body.count)\r\n")
        request.append(utf8: "Content-Type: \(json ? "application/json" : "text/plain; charset=utf-8")\r\n")
        if let apiKey { request.append(field: "Authorization", utf8: "Bearer \(apiKey)") }
        request.appendHeadEnd()
        request.append(body.bytes)
        var answer: [UInt8] = []
        try node.exchange(request.bytes) {
            answer += $0
            return true
        }
        let (status, text) = HTTPAnswer.split(answer)
        print(text)
        guard (200..<300).contains(status) else { throw ExitCode.failure }
    }
}
