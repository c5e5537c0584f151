import Foundation
import Testing

/// A page of the reference with a part that is made from the sources. That part stands between two marks, which readers do not see.
struct ReferencePage {
    let path: String
    let name: String

    /// - Parameter name: of the part, for a page may have several.
    init(_ path: String, part name: String) {
        self.path = path
        self.name = name
    }

    private var start: String { "<!-- made from the sources: \(name) -->\n" }
    private var end: String { "<!-- end of \(name) -->" }

    /// Whether pages are written instead of compared: `PERSEID_WRITE_REFERENCE=1 deploy/test --filter ReferenceTests`.
    private static let writes = ProcessInfo.processInfo.environment["PERSEID_WRITE_REFERENCE"] != nil

    /// Compares the part with what it is to be, or writes it.
    func expect(_ lines: [String]) throws {
        let text = try Repository.text(of: path)
        let start = try #require(text.range(of: start), "\(path) has no part \(name)")
        let end = try #require(text.range(of: end), "\(path): \(name) does not end")
        if Self.writes {
            let written = text[..<start.upperBound] + lines.map { "\($0)\n" }.joined() + text[end.lowerBound...]
            return try String(written).write(
                to: Repository.root.appending(path: path),
                atomically: true,
                encoding: .utf8
            )
        }
        let found = text[start.upperBound..<end.lowerBound].split(separator: "\n").map(String.init)
        for (line, other) in zip(lines, found) where line != other {
            Issue.record("\(path) has “\(other)”, the sources “\(line)”")
            break
        }
        #expect(
            lines.count == found.count,
            "PERSEID_WRITE_REFERENCE=1 deploy/test --filter ReferenceTests writes it anew"
        )
    }
}
