import Broker
import Edge
import Foundation
import Logging
import Testing
import Text

@Suite("Hostile proxies")
struct HostileProxyTests {
    /// What becomes of a request that a row stands in front of.
    private func answer(to row: HostileRow, _ node: TestNode, _ log: RecordedLog) throws -> String {
        let client = try node.connectRaw(secure: false)
        defer { client.close() }
        let count = log.lines.count
        try client.send(row.bytes + TestClient.request("GET", "/nothing", [("Connection", "close")], port: node.port))
        guard try client.receive(until: { client.bufferText.contains("\r\n\r\n") }) else {
            return client.buffer.isEmpty ? "closed" : client.bufferText
        }
        let answer = try client.readAnswer()
        guard answer.status == 404 else { return "\(answer.status)" }
        let line = try #require(log.lines.dropFirst(count).first { $0.contains("client: ") && $0.contains("404") })
        return "as \(line.split(separator: "client: ")[1].prefix { $0 != "," && $0 != " " })"
    }

    @Test("each is answered as its row says, and the node serves others as before", arguments: [true, false])
    func table(isTrusted: Bool) throws {
        let log = RecordedLog()
        try withNode {
            $0.trustedProxies = [isTrusted ? "127.0.0.0/8" : "10.0.0.0/8"].compactMap { AddressBlock($0) }
            $0.proxyProtocol = true
            $0.logger = Logger(label: "test") { _ in log.handler }
        } _: { (node: TestNode) throws in
            for row in isTrusted ? HostileProxyRows.trusted : HostileProxyRows.untrusted {
                let said = try answer(to: row, node, log)
                #expect(said == row.answer, "\(row.name)")
                let next = HostileRow("a good one", isTrusted ? "PROXY TCP4 192.0.2.9 10.0.0.1 1 2\r\n" : "", "")
                #expect(try answer(to: next, node, log) == (isTrusted ? "as 192.0.2.9" : "as 127.0.0.1"))
            }
            try eventually("all are gone") { node.metrics.httpConnections.value == 0 }
        }
    }
}
