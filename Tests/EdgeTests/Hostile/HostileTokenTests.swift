import Broker
import Crypto
import Edge
import Foundation
import Logging
import Testing
import Trust

@Suite("Hostile tokens")
struct HostileTokenTests {
    /// What becomes of a request that shows a token: it is taken, or refused with 401 and nothing else; why, only the log tells.
    private func answer(to row: HostileRow, _ node: TestNode, _ log: RecordedLog) throws -> String {
        let count = log.lines.count
        let token = String(decoding: row.bytes, as: UTF8.self)
        let answer = try node.ask("GET", "/channels/room%2F1", [("Authorization", "Bearer \(token)")])
        if answer.status == 200 { return "taken" }
        let isPlain = answer.status == 401 && answer["WWW-Authenticate"] == "Bearer error=\"invalid_token\""
        guard isPlain, !answer.text.contains(token) else { return "\(answer.status) \(answer.text)" }
        let prefix = "debug a token is refused reason: "
        let line = log.lines.dropFirst(count).first { $0.hasPrefix(prefix) }
        return line.map { String($0.dropFirst(prefix.count)) } ?? "nothing in the log"
    }

    @Test("each is taken or not as its row says, no token is in the log, and the node serves others as before")
    func table() async throws {
        let log = RecordedLog()
        let point = HostileTokenRows.publicKey.rawRepresentation
        let set = [
            "keys": [
                [
                    "kty": "EC", "crv": "P-256", "kid": "e1", "x": AccessToken.encoded(point.prefix(32)),
                    "y": AccessToken.encoded(point.suffix(32)),
                ]
            ]
        ]
        let curves = try await TokenKey.set(Array(JSONSerialization.data(withJSONObject: set)))
        let named = try await TokenKey.hmac(AccessToken.secret, name: "main")
        try await withRules {
            $0.logger = Logger(label: "test") { _ in log.handler }
            $0.tokens.keys = named + curves
            $0.tokens.needsExpiry = true
        } _: { (node: TestNode) throws in
            let good = try AccessToken.of("alice")
            for row in HostileTokenRows.all {
                let said = try answer(to: row, node, log)
                #expect(said == row.answer, "\(row.name)")
            }
            #expect(try node.ask("GET", "/channels/room%2F1", [("Authorization", "Bearer \(good)")]).status == 200)
        }
        for row in HostileTokenRows.all where row.bytes.count > 20 {
            let token = String(decoding: row.bytes, as: UTF8.self)
            #expect(!log.lines.contains { $0.contains(token) }, "\(row.name)")
        }
    }
}
