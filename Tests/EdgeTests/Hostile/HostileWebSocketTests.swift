import Broker
import Edge
import Foundation
import Testing
import Wire

@Suite("Hostile WebSockets")
struct HostileWebSocketTests {
    /// What a node answers first: `closed <code>`, behind which comes the end, or `error <code>`, behind which it goes on.
    private func answer(to row: HostileRow, _ node: TestNode) throws -> String {
        let socket = try node.webSocket("?session=none")
        defer { socket.close() }
        try socket.next("welcome")
        try socket.client.send(row.bytes)
        switch try socket.nextFrame() {
        case .close(let code, _)?: return try socket.nextFrame() == nil ? "closed \(code)" : "closed \(code), and more"
        case .text(let text)?:
            let message = try Message(text)
            guard message.type == "error" else { return message.type }
            try socket.send(.ping, Array("still here".utf8))
            while let frame = try socket.nextFrame() {
                if frame == .pong(Array("still here".utf8)) { return "error \(message.code ?? 0)" }
            }
            return "error \(message.code ?? 0), and the end"
        case let frame: return "\(String(describing: frame))"
        }
    }

    @Test("each is answered as its row says, and the node serves others as before")
    func table() throws {
        try withNode { (node: TestNode) throws in
            let reader = try node.webSocket("?channel=kept")
            try reader.begin()
            for row in HostileWebSocketRows.all {
                let said = try answer(to: row, node)
                #expect(said == row.answer, "\(row.name)")
            }
            let position = try node.publish("kept", "x")
            #expect(try reader.next("message").position == position)
            try eventually("all are gone") { node.metrics.webSocketConnections.value == 1 }
        }
    }
}
