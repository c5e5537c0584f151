import Broker
import Edge
import Foundation
import Hooks
import Testing

/// Every transport, with everything that may be shown, and everything that may be wanted.
@Suite("The authorization matrix")
struct AccessMatrixTests {
    /// A node whose channels `room/*` and services `room/*` are for users, with a backend that answers calls. `silent/*` has a rule that
    /// allows nothing.
    private func withMatrixNode(_ body: (TestNode, HookBackend) throws -> Void) async throws {
        let backend = try HookBackend { _ in .json(#"{"data":"answered"}"#) }
        defer { backend.stop() }
        try await withRules {
            $0.answersScripts = true
            $0.hooks[.call] = HookPolicy(url: backend.url("/call"))
            // Longer than a busy machine takes to answer.
            $0.hooks[.call]?.timeoutMilliseconds = 30_000
            let users = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.users) })
            $0.rules = AccessRules(
                [("room/*", users), ("service/room/*", users), ("silent/*", [:]), ("service/silent/*", [:])].map {
                    AccessRules.Rule(channels: AccessPattern($0)!, permissions: $1)
                }
            )
        } _: {
            try body($0, backend)
        }
    }

    /// Takes a token back, once it was good.
    private func revoke(_ token: String, _ node: TestNode) throws {
        let shown = [("Authorization", "Bearer \(token)")]
        #expect(try node.ask("GET", "/channels/room%2F1", shown).status == 200)
        let answer = try node.ask("POST", "/tokens/revoke", AccessProbe.key, body: #"{"token":"\#(token)"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        try eventually("it is known") { try node.ask("GET", "/channels/room%2F1", shown).status == 401 }
    }

    @Test("each cell", arguments: AccessCell.possible)
    func cell(_ cell: AccessCell) async throws {
        try await withMatrixNode { node, backend in
            let token = try cell.shown.token()
            if cell.shown == .revoked, let token { try revoke(token, node) }
            let outcome = try AccessProbe(node, backend, cell.way, token).outcome(of: cell.deed)
            #expect(outcome == cell.expected)
        }
    }

    @Test("no cell is lost: 288 of 420 are tried, and the others cannot be")
    func count() {
        #expect(AccessCell.all.count == 10 * 7 * 6 && AccessCell.possible.count == 288)
        let obstacles = AccessWay.allCases.flatMap { way in
            AccessDeed.allCases.compactMap { AccessCell.obstacle(way, $0) }
        }
        #expect(obstacles.count == 22)
    }

    /// Ways and deeds that can be.
    private static let pairs = AccessCell.possible.filter { $0.shown == .valid && $0.deed != .api }

    @Test(
        "what no rule names is for nobody, and so is what a rule is silent about",
        arguments: pairs,
        ["other/1", "silent/1"]
    )
    func nobody(_ cell: AccessCell, channel: String) async throws {
        try await withMatrixNode { node, backend in
            let probe = AccessProbe(node, backend, cell.way, try AccessShown.valid.token(), channel: channel)
            let outcome = cell.deed == .resume ? try probe.resumeBeyondRights() : try probe.outcome(of: cell.deed)
            #expect(outcome == .forbidden)
        }
    }

    @Test("what cannot be is refused where it is tried", arguments: AccessCell.all.filter { $0.shown == .valid })
    func impossible(_ cell: AccessCell) async throws {
        guard AccessCell.obstacle(cell.way, cell.deed) != nil else { return }
        try await withMatrixNode { node, backend in
            let probe = AccessProbe(node, backend, cell.way, try AccessShown.valid.token())
            try probe.tryImpossible(cell.deed)
        }
    }
}
