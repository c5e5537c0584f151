import Foundation
import Testing

/// The page that the README and the guide have somebody write, in a real Chromium.
@Suite struct FirstPageTests {
    @Test(
        "the page shows what was published before it came, and what is published then",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed"),
        arguments: ["README.md", "deploy/guide/first-page.md"]
    )
    func page(_ path: String) async throws {
        let port = Port.free()
        let environment = ["PERSEID_ALLOWED_ORIGINS": "http://127.0.0.1:\(port)"]
        try await Cluster.with(nodes: 1, environment: environment) { cluster in
            let snippet = try #require(try Snippet.all(of: path).first { $0.fate == .isFile("index.html") })
            let runner = SnippetRunner(scratch: cluster.scratch, ports: [(8_080, cluster.nodes[0].port)])
            try await runner.run(snippet)
            let server = try ChildProcess(
                [
                    "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                    cluster.scratch.directory.path,
                ]
                    + ["\(port)"],
                in: cluster.scratch
            )
            try await eventually(
                "pages are served",
                isTrue: { (try? await HTTPConnection.ask("GET", "/index.html", port: port).status) == 200 }
            )
            try await publish("before", cluster)
            let script = BrowserCases.clients.appending(path: "browser/first_page.py").path
            let browser = try ChildProcess(
                ["/usr/bin/python3", script, "http://127.0.0.1:\(port)/", "2"],
                environment: [
                    "PYTHONPATH": Repository.root.appending(path: ".build/selenium").path,
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "HOME": cluster.scratch.directory.path,
                ],
                in: cluster.scratch
            )
            try await eventually(
                "the page is open",
                isTrue: {
                    guard browser.isRunning else { throw ChildProcess.Failure(description: browser.errorText) }
                    return browser.outputText.contains("open")
                }
            )
            try await publish("after", cluster)
            #expect(try await browser.end(within: .seconds(180)) == .exited(0), "\(browser.errorText)")
            let line = try #require(browser.outputText.split(separator: "\n").last)
            let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [String]]
            #expect(said == ["items": ["before", "after"], "complaints": []])
            withExtendedLifetime(server) {}
        }
    }

    private func publish(_ title: String, _ cluster: Cluster) async throws {
        let answer = try await cluster.nodes[0].ask(
            "POST",
            "/channels/news",
            fields: ["Content-Type": "application/json"],
            body: #"{"title":"\#(title)"}"#
        )
        try #require(answer.status == 200)
    }
}
