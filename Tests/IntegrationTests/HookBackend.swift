import Foundation

/// A backend of hooks that lets everybody in, as whom the first channel names behind its slash, and hears who is gone.
final class HookBackend: Sendable {
    let port = Port.free()
    private let process: ChildProcess

    init(in scratch: Scratch) throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Clients/hook_backend.py")
        process = try ChildProcess(["/usr/bin/python3", script.path, "\(port)"], in: scratch)
    }

    var url: String { "http://127.0.0.1:\(port)/" }

    /// Whether it answers what it hears.
    func hold() throws { try process.tell("hold") }
    func go() throws { try process.tell("go") }

    /// What it was told of one of them.
    struct Told: Hashable {
        let node, user, reason, transport: String
        let session: String?
    }

    /// Of all so far, in order.
    var told: [Told] {
        process.outputText.split(separator: "\n").compactMap { line in
            guard let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            func text(_ name: String) -> String { fields[name] as? String ?? "" }
            return Told(
                node: text("node"),
                user: text("user"),
                reason: text("reason"),
                transport: text("transport"),
                session: fields["session"] as? String
            )
        }
    }
}
