import Foundation
import Testing

@testable import perseid

/// Limits may be set to whatever `check` takes.
@Suite struct LimitTests {
    @Test("no limit, however great or small, kills a node", arguments: [true, false])
    func extremes(_ isGreatest: Bool) async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(in: scratch)
        var environment: [String: String] = [:]
        for (name, _, _) in LimitNames.counts {
            environment[SettingsEnvironment.name(of: "limits.\(name)")] = isGreatest ? "\(SettingTable.countMax)" : "1"
        }
        for (name, _, _) in LimitNames.times {
            environment[SettingsEnvironment.name(of: "limits.\(name)")] =
                isGreatest ? "\(SettingTable.millisecondsMax)" : "1"
        }
        // What lets the test talk to it at all.
        for name in ["request-head-bytes-max", "request-target-bytes-max", "connections-max"] where !isGreatest {
            environment[SettingsEnvironment.name(of: "limits.\(name)")] = "1000"
        }
        environment["PERSEID_PRESENCE"] = "**"
        let node = try PerseidNode(
            id: "a",
            redis: isGreatest ? redis.url : nil,
            environment: environment,
            startedIn: scratch
        )
        if isGreatest { try await node.becomeReady() }
        for target in [
            "/channels/a", "/channels/a/history", "/channels/a/presence", "/poll?channel=a&wait=0&session=none",
        ] {
            _ = try? await HTTPConnection.ask("POST", "/channels/a", port: node.port, fields: [:], body: "x")
            if target.hasPrefix("/poll"), isGreatest { continue }
            _ = try? await HTTPConnection.ask("GET", target, port: node.port, fields: [:], body: "")
        }
        let stream = try? StreamClient([StreamClient.Stream(port: node.port, target: "/sse?channel=a")], in: scratch)
        let socket = try? await WebSocketClient([(node.port, "/ws?channel=a")], in: scratch)
        try await Task.sleep(for: .seconds(1))  // some ticks, in which timers of a millisecond end
        withExtendedLifetime((stream, socket)) {}
        #expect(node.isRunning, "\(node.log)")
        try await node.kill()
    }
}
