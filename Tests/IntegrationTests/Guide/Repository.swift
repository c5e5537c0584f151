import Foundation

/// The sources and pages that the tests were built from.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The pages that users read, by their paths.
    static func pages() throws -> [String] {
        var paths = ["README.md", "bench/README.md", "bench/RESULTS.md"]
        for directory in [".github", "deploy/guide", "deploy/reference"] {
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: directory).path)
            paths += names.filter { $0.hasSuffix(".md") }.sorted().map { "\(directory)/\($0)" }
        }
        for directory in ["Sources/Edge/Edge.docc", "Sources/PerseidClient/PerseidClient.docc"] {
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: directory).path)
            paths += names.filter { $0.hasSuffix(".md") }.sorted().map { "\(directory)/\($0)" }
        }
        return paths
    }
}
