import Foundation

/// Runs the snippets of a page one after the other, as a reader would, in a directory of their own. What pages say of addresses
/// is put right first: each test has ports of its own.
struct SnippetRunner {
    let scratch: Scratch
    /// Port of a page, and the one that is meant.
    let ports: [(written: Int, real: UInt16)]

    /// What runs a language, and the name of the file that it wants.
    private static let programs: [String: (command: [String], file: String)] = [
        "sh": (["bash", "-euo", "pipefail"], "snippet.sh"),
        "python": (["/usr/bin/python3"], "snippet.py"),
        "php": (["php"], "snippet.php"),
        "js": (["node"], "snippet.mjs"),
        "ruby": (["ruby"], "snippet.rb"),
        "go": (["go", "run"], "snippet.go"),
        "java": (["java"], "Publish.java"),
    ]

    /// Some are compiled first, with all that they import.
    private static let patience = Duration.seconds(300)

    /// Whether snippets of a language are programs.
    static func isProgram(_ language: String) -> Bool { programs[language] != nil }

    /// Whether what runs a language is installed here, with what the snippet imports.
    func canRun(_ snippet: Snippet) async throws -> Bool {
        let probe: [String] =
            switch snippet.language {
            case "php" where snippet.text.contains("new Redis"): ["php", "-r", "exit(class_exists('Redis') ? 0 : 1);"]
            case "python" where snippet.text.contains("import redis"): ["/usr/bin/python3", "-c", "import redis"]
            case "ruby" where snippet.text.contains("\"redis\""): ["ruby", "-e", "require 'redis'"]
            case "sh" where ["php ", "node ", "ruby "].contains(where: snippet.text.hasPrefix):
                ["bash", "-c", "command -v \(snippet.text.prefix { $0 != " " })"]
            case "java": ["javac", "-version"]
            case "go": ["go", "version"]
            case "php": ["php", "-v"]
            default: ["true"]
            }
        // What cannot be started at all is not there.
        guard let process = try? ChildProcess(probe, in: scratch) else { return false }
        return try await process.end() == .exited(0)
    }

    /// Runs one, and throws what went wrong.
    func run(_ snippet: Snippet) async throws {
        let text = withPorts(snippet.text)
        if case .isFile(let name) = snippet.fate {
            return try text.write(to: scratch.file(name), atomically: true, encoding: .utf8)
        }
        guard let program = Self.programs[snippet.language] else { return }
        let file = scratch.file(program.file)
        try text.write(to: file, atomically: true, encoding: .utf8)
        // The executable of this package is the `perseid` that snippets call.
        let tools = URL(filePath: PerseidNode.executable).deletingLastPathComponent().path
        let process = try ChildProcess(
            ["env", "--chdir", scratch.directory.path] + program.command + [file.path],
            environment: [
                "PATH": "\(tools):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin")",
                "GOCACHE": scratch.file("go").path, "GO111MODULE": "off", "GOFLAGS": "-p=1",
            ],
            in: scratch
        )
        process.endInput()
        switch snippet.fate {
        case .prints(let words):
            try await eventually("\(snippet.place) prints “\(words)”", within: Self.patience) {
                if (process.outputText + process.errorText).contains(words) { return () }
                guard process.isRunning else { throw failure(of: process, snippet) }
                return nil
            }
        default:
            guard try await process.end(within: Self.patience) == .exited(0) else {
                throw failure(of: process, snippet)
            }
        }
    }

    private func failure(of process: ChildProcess, _ snippet: Snippet) -> ChildProcess.Failure {
        ChildProcess.Failure(description: "\(snippet.place): \(process.errorText)\(process.outputText)")
    }

    private func withPorts(_ text: String) -> String {
        var text = text
        for (written, real) in ports {
            text = text.replacing("127.0.0.1:\(written)", with: "127.0.0.1:\(real)")
                .replacing("-p \(written)", with: "-p \(real)").replacing("port=\(written)", with: "port=\(real)")
                .replacing("port: \(written)", with: "port: \(real)")
                .replacing("\"127.0.0.1\", \(written)", with: "\"127.0.0.1\", \(real)")
        }
        return text
    }
}
