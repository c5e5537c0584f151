import Foundation
import Testing

/// This package as a dependency of others.
@Suite struct PackageTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Whether the test that builds a package is wanted, which takes minutes.
    private static let isBuildWanted = ProcessInfo.processInfo.environment["PERSEID_PACKAGE_TEST"] == "1"

    @Test(
        "flags that SwiftPM refuses of a dependency are in the manifest of a node, and not where dependencies are checked out"
    )
    func manifest() async throws {
        for (directory, hasFlags) in [
            ("src/perseid", true), ("work/checkouts/perseid", false), ("checkouts/perseid/mine", true),
        ] {
            let place = scratch.directory.appending(path: directory)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Self.root.appending(path: "Package.swift"),
                to: place.appending(path: "Package.swift")
            )
            let manifest = try await ChildProcess.run(
                ["swift", "package", "--package-path", place.path, "dump-package"],
                in: scratch,
                within: .seconds(300)
            )
            #expect(manifest.contains("unsafeFlags") == hasFlags, "\(directory)")
            #expect(manifest.contains("PerseidClient"))
        }
    }

    /// A program of somebody else.
    private static let program = """
        import PerseidClient

        let client = try PerseidClient(CommandLine.arguments[1])
        for try await event in client.subscribe("room/1").events {
            switch event {
            case .opened: try await client.publish("room/1", "hello")
            case .message(let message):
                print(message.text ?? "")
                client.close()
            default: break
            }
        }

        """

    @Test(
        "a package that depends on it by version builds, and its program subscribes at a node",
        .enabled(if: isBuildWanted)
    )
    func dependency() async throws {
        let origin = scratch.directory.appending(path: "perseid")
        try await ChildProcess.run(["git", "clone", "--quiet", Self.root.path, origin.path], in: scratch)
        try await ChildProcess.run(["git", "-C", origin.path, "tag", "1.0.0"], in: scratch)
        let package = scratch.directory.appending(path: "program")
        let sources = package.appending(path: "Sources/program")
        try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
        try Data(Self.program.utf8).write(to: sources.appending(path: "main.swift"))
        let manifest = """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "program",
                platforms: [.macOS(.v15)],
                dependencies: [.package(url: "file://\(origin.path)", from: "1.0.0")],
                targets: [
                    .executableTarget(name: "program", dependencies: [.product(name: "PerseidClient", package: "perseid")])
                ]
            )

            """
        try Data(manifest.utf8).write(to: package.appending(path: "Package.swift"))
        for configuration in ["debug", "release"] {
            let build = try ChildProcess(
                ["swift", "build", "--package-path", package.path, "--configuration", configuration],
                in: scratch
            )
            let ending = try await build.end(within: .seconds(1_800))
            try #require(ending == .exited(0), "\(build.outputText.suffix(4_000))\(build.errorText.suffix(4_000))")
            let node = try await PerseidNode(id: "a", redis: nil, in: scratch)
            let program = package.appending(path: ".build/\(configuration)/program").path
            let text = try await ChildProcess.run([program, "http://127.0.0.1:\(node.port)"], in: scratch)
            #expect(text == "hello\n")
            try #require(try await node.stop() == .exited(0))
        }
    }
}
