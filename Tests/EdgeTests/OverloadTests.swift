import Broker
import Foundation
import Reactor
import Testing

@testable import Edge

@Suite("Overload")
struct OverloadTests {
    private func states(_ watch: inout OverloadWatch, lag: [Int], memory: Int = 0) -> [Bool] {
        lag.map {
            watch.look(lagMicroseconds: $0, memoryBytes: memory)
            return watch.overload != nil
        }
    }

    @Test("it begins with the second bad look in a row and ends with the fifth good one")
    func hysteresis() {
        var watch = OverloadWatch(lagMicrosecondsMax: 100, memoryBytesMax: 0)
        #expect(states(&watch, lag: [101, 100, 101, 10, 101, 101]) == [false, false, false, false, false, true])
        // 60 is no reason to begin, and none to end.
        #expect(states(&watch, lag: [1, 1, 1, 1, 60, 1, 1, 1, 1]).allSatisfy { $0 })
        #expect(states(&watch, lag: [50, 101, 60, 101, 101]) == [false, false, false, false, true])
    }

    @Test("memory is one, too, and without limits there is none")
    func memory() {
        var watch = OverloadWatch(lagMicrosecondsMax: 0, memoryBytesMax: 1_600)
        #expect(states(&watch, lag: [9_999, 9_999], memory: 1_600) == [false, false])
        #expect(states(&watch, lag: [0, 0], memory: 1_601) == [false, true])
        #expect(watch.overload == .memory)
        #expect(states(&watch, lag: [0, 0, 0, 0, 0], memory: 1_501).allSatisfy { $0 })
        #expect(states(&watch, lag: [0, 0, 0, 0, 0], memory: 1_500) == [true, true, true, true, false])
        var none = OverloadWatch(lagMicrosecondsMax: 0, memoryBytesMax: 0)
        #expect(!states(&none, lag: [.max, .max, .max], memory: .max).contains(true))
    }

    @Test("a node with too much memory takes nobody new, keeps whom it has, and takes others again afterwards")
    func node() async {
        // In a process of its own, whose memory nobody else uses.
        await #expect(processExitsWith: .success) { try OverloadTests().fillMemory() }
    }

    private func fillMemory() throws {
        let before = HostProcess.residentBytes
        try #require(before > 0)
        let limit = before + 400_000_000
        try withNode {
            $0.limits.overloadMemoryBytes = limit
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.next("welcome")
            try socket.next("subscribed")
            let old = try node.connect()
            #expect(try old.ask("GET", "/readyz").status == 200)
            var ballast: [UInt8]? = [UInt8](repeating: 1, count: 700_000_000)
            try eventually("it says so") { try node.ask("GET", "/readyz").status == 503 }
            #expect(try node.ask("GET", "/readyz").text.contains("memory"))
            #expect(try node.ask("GET", "/healthz").status == 200)
            #expect(try node.ask("GET", "/metrics").text.contains("\nperseid_overloaded 1\n"))
            // New connections, whatever they want.
            let publish = try node.ask("POST", "/channels/a", body: "x")
            #expect(publish.status == 503 && publish["Connection"] == "close")
            #expect(try #require(publish["Retry-After"].flatMap { Int($0) }) >= 1)
            // New readers, on connections that are not new.
            #expect(try old.ask("GET", "/poll?channel=a&wait=0&cursor=a@1-0").status == 200)
            #expect(try old.ask("POST", "/channels/a", body: "live").status == 200)
            #expect(try socket.next("message")["data"] as? String == "live")
            #expect(try old.ask("GET", "/sse?channel=a").status == 503)
            let browser = try node.ask("GET", "/sse?channel=a", [("Accept", "text/event-stream")])
            #expect(browser.status == 200 && browser.text.hasPrefix("retry: ") && browser.text.contains("event: bye\n"))
            #expect(browser["Connection"] == "close")
            try #require(node.metrics.shed.value >= 2)
            #expect(ballast?.last == 1)
            ballast = nil
            try eventually("it is over") { try node.ask("GET", "/readyz").status == 200 }
            #expect(try node.ask("POST", "/channels/a", body: "x").status == 200)
        }
    }

    @Test("who looks after a node sees it now: the console is served, and its key opens what others are refused")
    func operators() throws {
        try withNode {
            $0.apiKeys = [
                APIKey(secret: "operator"),
                APIKey(name: "reader", hash: SecretHash(of: "reader"), scopes: [.read, .publish]),
            ]
        } _: { node in
            func bearer(_ key: String) -> [(String, String)] { [("Authorization", "Bearer \(key)")] }
            node.node.status.overload = .memory
            for path in ["/", "/console/console.mjs", "/perseid.mjs"] {
                #expect(try node.ask("GET", path).status == 200, "\(path)")
            }
            let stream = try node.eventStream("?channel=$nodes&session=none", fields: bearer("operator"))
            try stream.receive { $0.contains("\"state\":\"overloaded\"") }
            #expect(try node.ask("GET", "/sse?channel=a", bearer("reader")).status == 503)
            #expect(try node.ask("GET", "/sse?channel=a").status == 503)
            #expect(try node.ask("POST", "/channels/a", bearer("reader"), body: "x").status == 503)
        }
    }
}
