import Broker
import Edge
import Foundation
import Testing

@Suite("Hostile requests")
struct HostileHTTPTests {
    /// What a node answers to some bytes, and whether it goes on: then it answers the next request, and that alone.
    private func answer(to row: HostileRow, _ node: TestNode) throws -> String {
        let client = try node.connect()
        defer { client.close() }
        try client.send(row.bytes)
        let first = try client.readAnswer()
        let next = [("Connection", "close"), ("Host", "localhost")]
        try? client.sendRequest("GET", "/healthz", next)
        _ = client.ends()
        let rest = client.bufferText
        let field = first.errorField.map { " \($0)" } ?? ""
        let statuses = rest.matches(of: /HTTP\/1\.1 (\d+)/).map { "\($0.output.1)" }
        let end = statuses == ["200"] ? "open" : statuses.isEmpty && rest.isEmpty ? "closed" : "\(statuses)"
        return "\(first.status)\(field), \(end)"
    }

    @Test("each is answered as its row says, and the node serves others as before")
    func table() throws {
        try withNode {
            $0.answersScripts = true
        } _: { (node: TestNode) throws in
            let reader = try node.webSocket("?channel=kept")
            try reader.begin()
            for row in HostileHTTPRows.all {
                let said = try answer(to: row, node)
                #expect(said == row.answer, "\(row.name)")
                #expect(try node.ask("GET", "/healthz").status == 200, "\(row.name)")
            }
            let position = try node.publish("kept", "x")
            #expect(try reader.next("message").position == position)
            #expect(try node.ask("GET", "/channels/a/history").text.contains("hidden") == false)
        }
    }
}
