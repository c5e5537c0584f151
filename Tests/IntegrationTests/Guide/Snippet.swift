import Foundation

/// A piece of code of a page, between two fences, and what the page says in a comment behind it, which readers do not see:
///
/// - `<!-- prints: TEXT -->`: it prints that, and may then go on for ever;
/// - `<!-- file: NAME -->`: it is a file of that name, for the snippets behind it;
/// - `<!-- not run: WHY -->`.
///
/// Without any of them it is run to its end, which must be a success.
struct Snippet {
    enum Fate: Equatable {
        case succeeds
        case prints(String)
        case isFile(String)
        case isNotRun(why: String)
    }

    let page: String
    /// Of its first fence, counted from 1.
    let line: Int
    let language: String
    let text: String
    let fate: Fate

    /// Where it is, for whoever reads a failed test.
    var place: String { "\(page):\(line)" }

    /// All snippets of a page, in order.
    static func all(of page: String) throws -> [Snippet] {
        var snippets: [Snippet] = []
        let lines = try Repository.text(of: page).split(separator: "\n", omittingEmptySubsequences: false)
        var start: Int?
        for (number, line) in lines.enumerated() where line.hasPrefix("```") {
            guard let first = start else {
                start = number
                continue
            }
            start = nil
            let language = String(lines[first].dropFirst(3))
            if language.isEmpty { continue }
            let comment = lines[(number + 1)...].first { !$0.isEmpty } ?? ""
            snippets.append(
                Snippet(
                    page: page,
                    line: first + 1,
                    language: language,
                    text: lines[(first + 1)..<number].map { "\($0)\n" }.joined(),
                    fate: fate(String(comment))
                )
            )
        }
        return snippets
    }

    private static func fate(_ comment: String) -> Fate {
        guard let parts = comment.wholeMatch(of: /<!-- (prints|file|not run): (.+) -->/)?.output else {
            return .succeeds
        }
        let words = String(parts.2)
        return switch parts.1 {
        case "prints": .prints(words)
        case "file": .isFile(words)
        default: .isNotRun(why: words)
        }
    }
}
