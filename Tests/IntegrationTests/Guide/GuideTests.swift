import Foundation
import Testing

/// The pages that users read say what works.
@Suite struct GuideTests {
    static let guides = [
        "README.md", "first-page", "publishing", "subscribing", "signing-in", "balancers", "moving", "installing",
        "sizing", "production",
        "upgrading",
    ]
    .map { $0 == "README.md" ? $0 : "deploy/guide/\($0).md" }

    @Test("each snippet of the README and of the guide runs, or its page says why not", arguments: guides)
    func snippets(page: String) async throws {
        let environment = ["PERSEID_ALLOWED_ORIGINS": "http://127.0.0.1:8000"]
        try await Cluster.with(nodes: 1, environment: environment) { cluster in
            let runner = SnippetRunner(
                scratch: cluster.scratch,
                ports: [(8_080, cluster.nodes[0].port), (6_379, cluster.redis.port)]
            )
            for snippet in try Snippet.all(of: page) {
                if case .isNotRun = snippet.fate { continue }
                // Whoever has no such language cannot try it.
                if try await runner.canRun(snippet) { try await runner.run(snippet) }
            }
        }
    }

    @Test("the snippets about keyed channels run on a node with the settings that their page gives")
    func keyedChannels() async throws {
        let snippets = try Snippet.all(of: "deploy/guide/keyed-channels.md")
        let scratch = try Scratch()
        let settings = scratch.file("keyed.yaml")
        let text = try #require(snippets.first { $0.language == "yaml" }).text
        try text.write(to: settings, atomically: true, encoding: .utf8)
        let node = try await PerseidNode(id: "a", redis: nil, arguments: ["--config", settings.path], in: scratch)
        let runner = SnippetRunner(scratch: scratch, ports: [(8_080, node.port)])
        for snippet in snippets {
            if case .isNotRun = snippet.fate { continue }
            try await runner.run(snippet)
        }
        #expect(try await node.stop() == .exited(0))
    }

    @Test("no snippet is in a language that nothing is known of")
    func languages() throws {
        let files: Set = ["html", "yaml", "nginx", "haproxy", "caddy", "redis", "swift", "ini", "json"]
        for page in Self.guides {
            for snippet in try Snippet.all(of: page) {
                #expect(
                    SnippetRunner.isProgram(snippet.language) || files.contains(snippet.language),
                    "\(snippet.place): \(snippet.language)"
                )
            }
        }
    }

    @Test("each link leads somewhere: to a file or directory, and to a heading that is there")
    func links() throws {
        for page in try Repository.pages() {
            let directory = Repository.root.appending(path: page).deletingLastPathComponent()
            for link in PageLinks(try Repository.text(of: page)).targets where !link.contains("://") {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let file =
                    parts[0].isEmpty ? Repository.root.appending(path: page) : directory.appending(path: parts[0])
                #expect(FileManager.default.fileExists(atPath: file.path), "\(page): \(link)")
                guard parts.count == 2, let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
                #expect(PageLinks(text).anchors.contains(String(parts[1])), "\(page): \(link)")
            }
        }
    }

    @Test("each page of the guide and of the reference can be reached from the README")
    func reachable() throws {
        var reached: Set = ["README.md"]
        var waiting = ["README.md"]
        while let page = waiting.popLast() {
            let directory = URL(filePath: "/\(page)").deletingLastPathComponent()
            for link in PageLinks(try Repository.text(of: page)).targets where link.contains(".md") {
                let file = link.split(separator: "#")[0]
                let path = String(directory.appending(path: file).standardized.path.dropFirst())
                if !link.contains("://"), reached.insert(path).inserted { waiting.append(path) }
            }
        }
        for page in try Repository.pages() where page.hasPrefix("deploy/") || page.hasPrefix(".github/") {
            #expect(reached.contains(page), "\(page)")
        }
    }
}
