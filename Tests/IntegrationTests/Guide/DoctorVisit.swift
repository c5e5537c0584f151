import Foundation
import Testing

/// What `perseid doctor` said of a deployment.
struct DoctorVisit {
    let text: String
    /// Whether it found nothing that bites now.
    let isWell: Bool

    /// Asks it; `before` stands before the command, as `prlimit` does.
    init(
        _ arguments: [String],
        environment: [String: String] = [:],
        before: [String] = [],
        in scratch: Scratch
    ) async throws {
        let process = try ChildProcess(
            before + [PerseidNode.executable, "doctor"] + arguments,
            environment: environment,
            in: scratch
        )
        let ending = try await process.end(within: .seconds(300))
        text = process.outputText + process.errorText
        try #require(ending == .exited(0) || ending == .exited(1), "\(String(describing: ending)) \(text)")
        isWell = ending == .exited(0)
    }

    /// Whether it named something, as something that bites or will, and the cure behind it.
    func names(_ words: String, cure: String, isTrouble: Bool = true) -> Bool {
        let lines = text.split(separator: "\n")
        return lines.indices.dropLast().contains { place in
            lines[place].hasPrefix(isTrouble ? "TROUBLE " : "warning ") && lines[place].contains(words)
                && lines[place + 1].contains("→ ") && lines[place + 1].contains(cure)
        }
    }
}
