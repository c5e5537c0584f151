import Edge
import Foundation
import Testing

/// The files of the browser client, as they are served. What the client does is tested where there are browsers: IntegrationTests.
@Suite("Browser client")
struct BrowserClientTests {
    private static let types = [
        ("/perseid.mjs", "text/javascript; charset=utf-8"), ("/perseid.js", "text/javascript; charset=utf-8"),
        ("/perseid.d.ts", "application/typescript; charset=utf-8"),
    ]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func file(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.root.appending(path: "Sources/Edge/Resources\(path)")))
    }

    @Test("each is what is in the sources, with its type, for pages of every site", arguments: types)
    func served(path: String, type: String) throws {
        try withNode { node in
            let answer = try node.ask("GET", path, [("Origin", "https://elsewhere.example")])
            let expected = try file(path)
            #expect(answer.status == 200 && answer.body == expected)
            #expect(answer["Content-Type"] == type)
            #expect(answer["Access-Control-Allow-Origin"] == "*" && answer["Access-Control-Allow-Credentials"] == nil)
            #expect(answer["Cross-Origin-Resource-Policy"] == "cross-origin")
            #expect(answer["Cache-Control"] == "public, max-age=3600")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
        }
    }

    @Test("who has it already is told so, and who has another one gets it", arguments: types.map(\.0))
    func known(path: String) throws {
        try withNode { node in
            let tag = try #require(try node.ask("GET", path)["ETag"])
            #expect(tag.hasPrefix("\"") && tag.count == 34)
            for known in [tag, "W/\(tag)", "\"other\", \(tag)", "\"other\",W/\(tag) , \"more\"", "*"] {
                let answer = try node.ask("GET", path, [("If-None-Match", known)])
                #expect(answer.status == 304 && answer.body.isEmpty, "\(known)")
                #expect(answer["ETag"] == tag && answer["Cache-Control"] != nil && answer["Content-Type"] == nil)
            }
            for other in ["\"other\"", String(tag.dropLast(2)) + "\"", ""] {
                #expect(try node.ask("GET", path, [("If-None-Match", other)]).status == 200, "\(other)")
            }
            #expect(try node.ask("GET", path).body == file(path))
        }
    }

    @Test("the files have different tags, and other nodes have the same")
    func tags() throws {
        func all() throws -> [String] {
            var tags: [String] = []
            try withNode { node in tags = try Self.types.map { try node.ask("GET", $0.0)["ETag"] ?? "" } }
            return tags
        }
        let tags = try all()
        #expect(Set(tags).count == 3)
        #expect(try all() == tags)
    }

    /// What people load before anything moves.
    @Test("the client has 6 KiB at most, compressed, and imports nothing", arguments: ["/perseid.mjs", "/perseid.js"])
    func size(path: String) throws {
        let place = Self.root.appending(path: "Sources/Edge/Resources\(path)").path
        #expect(try output(["gzip", "-9", "-c", place]).count <= 6_144)
        let text = String(decoding: try file(path), as: UTF8.self)
        #expect(!text.contains("import") && !text.contains("require("))
    }

    @Test("the client is what its modules say", .enabled(if: hasNode, "nodejs is needed"))
    func bundle() throws {
        _ = try output([Self.root.appending(path: "deploy/bundle").path, "--check"])
    }

    private static var hasNode: Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/node")
        }
    }

    /// What a program writes, which must end well.
    private func output(_ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(arguments)")
        return data
    }
}
