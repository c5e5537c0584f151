import Foundation
import Testing

/// The files that operators are given are what the programs that read them want.
@Suite struct DeployFileTests {
    private static let schemas = Repository.root.appending(path: ".build/kubernetes")
    private static let prometheus = Repository.root.appending(path: ".build/prometheus/usr/bin/promtool")

    private static func isThere(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }

    @Test(
        "promtool takes the alerts, and they are raised when they should be",
        .enabled(if: isThere(prometheus), "deploy/test fetches promtool")
    )
    func alerts() async throws {
        let scratch = try Scratch()
        let directory = Repository.root.appending(path: "deploy/watch").path
        let promtool = ["env", "--chdir", directory, Self.prometheus.path]
        try await ChildProcess.run(promtool + ["check", "rules", "alerts.yml"], in: scratch)
        try await ChildProcess.run(promtool + ["test", "rules", "alerts.test.yml"], in: scratch)
    }

    @Test(
        "promtool takes each expression of the dashboard",
        .enabled(if: isThere(prometheus), "deploy/test fetches promtool")
    )
    func dashboard() async throws {
        let scratch = try Scratch()
        let text = try Repository.text(of: "deploy/watch/dashboard.json")
        let expressions = text.matches(of: /"expr": ("(?:[^"\\]|\\.)*")/).map { String($0.output.1) }
        try #require(expressions.count > 40)
        let rules = expressions.enumerated().map {
            "{\"record\":\"a:\($0.offset)\",\"expr\":\($0.element.replacing("$instance", with: ".*"))}"
        }
        let file = scratch.file("rules.yml")
        try "groups: [{name: a, rules: [\(rules.joined(separator: ","))]}]"
            .write(to: file, atomically: true, encoding: .utf8)
        try await ChildProcess.run([Self.prometheus.path, "check", "rules", file.path], in: scratch)
    }

    @Test("each alert has a section of the page, and each section is an alert")
    func alertPages() throws {
        let alerts = try Repository.text(of: "deploy/watch/alerts.yml").matches(of: /- alert: (\w+)/).map {
            String($0.output.1)
        }
        let page = try Repository.text(of: "deploy/guide/alerts.md")
        let sections = page.matches(of: /(?m)^## (\w+)$/).map { String($0.output.1) }
        #expect(alerts == sections)
        #expect(Set(alerts).count == alerts.count && alerts.count >= 20)
    }

    @Test(
        "what Kubernetes is told has its form, from the manifests and from the chart",
        .enabled(if: isThere(schemas), "deploy/test fetches the schemas")
    )
    func kubernetes() async throws {
        let scratch = try Scratch()
        let script = BrowserCases.clients.appending(path: "kubernetes_check.py").path
        let said = try await ChildProcess.run(
            ["/usr/bin/python3", script, Repository.root.appending(path: "deploy").path],
            environment: ["PYTHONPATH": Self.schemas.path, "PYTHONDONTWRITEBYTECODE": "1"],
            in: scratch
        )
        #expect(said.contains("6 manifests are right"), "\(said)")
        #expect(said.contains("charts are right"), "\(said)")
    }

    @Test("the unit of systemd is one that it takes")
    func unit() async throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else { return }
        let scratch = try Scratch()
        let file = scratch.file("perseid.service")
        // It asks whether the program is there and the manual page can be found.
        try Repository.text(of: "deploy/perseid.service")
            .replacing("/usr/local/bin/perseid", with: PerseidNode.executable).replacing(/Documentation=.*\n/, with: "")
            .write(to: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(["systemd-analyze", "verify", file.path], in: scratch)
        #expect(try await process.end() == .exited(0), "\(process.errorText)")
        #expect(!process.errorText.contains("perseid.service"), "\(process.errorText)")
    }

    /// It needs root and a Debian mirror, and takes a minute or more: `PERSEID_DEB_TEST=<package>.deb deploy/test --filter DeployFileTests`.
    @Test(
        "the package is installed, runs, is upgraded and removed in a clean root",
        .enabled(
            if: ProcessInfo.processInfo.environment["PERSEID_DEB_TEST"] != nil,
            "PERSEID_DEB_TEST names no package"
        )
    )
    func package() async throws {
        let scratch = try Scratch()
        let package = try #require(ProcessInfo.processInfo.environment["PERSEID_DEB_TEST"])
        let script = Repository.root.appending(path: "deploy/packaging/try").path
        let process = try ChildProcess([script, package], in: scratch)
        #expect(try await process.end(within: .seconds(900)) == .exited(0), "\(process.outputText)\(process.errorText)")
    }
}
