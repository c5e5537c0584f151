import Foundation
import Testing

/// What programs in other languages try, in `Clients`: pages in a real Chromium, and what runs in Node and Deno. Here are the nodes, which are
/// killed and started when a case asks for it.
enum BrowserCases {
    /// What a case came to.
    private struct Outcome {
        let name: String
        let failure: String?
        let facts: String
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let clients = root.appending(path: "Tests/IntegrationTests/Clients")
    private static let selenium = root.appending(path: ".build/selenium")

    static var hasNode: Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["node", "-e", "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)"]
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// deploy/test puts it there.
    static let deno = root.appending(path: ".build/deno/bin/deno").path
    static var hasDeno: Bool { FileManager.default.isExecutableFile(atPath: deno) }

    /// deploy/test says so where they cannot be had.
    static var hasBrowser: Bool {
        let paths = ["/usr/bin/chromedriver", "/usr/bin/chromium", selenium.appending(path: "selenium").path]
        return paths.allSatisfy(FileManager.default.fileExists(atPath:))
    }

    /// Starts the cases that these facts name; `browser/run.py` says which there are.
    static func browsers(_ facts: [String: Any], in cluster: Cluster) throws -> ChildProcess {
        try ChildProcess(
            ["/usr/bin/python3", clients.appending(path: "browser/run.py").path, try json(facts)],
            environment: [
                "PYTHONPATH": selenium.path, "PYTHONDONTWRITEBYTECODE": "1", "HOME": cluster.scratch.directory.path,
            ],
            in: cluster.scratch
        )
    }

    static func node(_ id: String, _ environment: [String: String], in cluster: Cluster) async throws -> PerseidNode {
        try await PerseidNode(id: id, redis: nil, environment: environment, in: cluster.scratch)
    }

    static func address(_ node: PerseidNode) -> String { "http://127.0.0.1:\(node.port)" }

    static func json(_ facts: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: facts), as: UTF8.self)
    }

    /// Does what the cases ask for, and says what became of each.
    static func run(_ process: ChildProcess, atLeast count: Int, on cluster: Cluster) async throws {
        var read = 0
        var outcomes: [Outcome] = []
        let end = ContinuousClock.now + .seconds(900)
        while true {
            let isOver = process.poll() != nil
            for line in process.outputText.split(separator: "\n").dropFirst(read) {
                // The last one may not be whole.
                guard let said = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    break
                }
                read += 1
                if let name = said["case"] as? String {
                    let outcome = Outcome(name: name, failure: said["failure"] as? String, facts: "\(line)")
                    outcomes.append(outcome)
                    // What was measured is worth seeing where nothing is wrong, too.
                    if said["facts"] is [String: Any] { print(outcome.facts) }
                    #expect(outcome.failure == nil, "\(name): \(outcome.failure ?? "")")
                } else if let place = said["node"] as? Int, cluster.nodes.indices.contains(place) {
                    let node = cluster.nodes[place]
                    if said["do"] as? String == "kill" {
                        try await node.kill()
                    } else {
                        try node.start()
                        try await node.becomeReady()
                    }
                    try process.tell("done")
                }
            }
            if isOver { break }
            try #require(ContinuousClock.now < end, "no end of it: \(outcomes.map(\.facts)) \(process.errorText)")
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(process.poll() == .exited(0), "\(process.errorText.suffix(4_000))")
        #expect(outcomes.count >= count, "\(outcomes.map(\.name))")
    }
}
