/// Where a page's links and pictures lead, and what others can link to in it.
struct PageLinks {
    private(set) var targets: [String] = []
    private(set) var anchors: Set<String> = []

    init(_ text: String) {
        var isCode = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            if isCode || line.hasPrefix("    ") { continue }
            if line.hasPrefix("#") { anchors.insert(Self.anchor(line)) }
            targets += line.matches(of: /\]\(([^)\s]+)\)/).map { String($0.output.1) }
            targets += line.matches(of: /src="([^"]+)"/).map { String($0.output.1) }
        }
    }

    /// As GitHub makes it of a heading: in small letters, blanks as dashes, and without all else but letters, digits, `-` and `_`.
    private static func anchor(_ heading: Substring) -> String {
        let words = heading.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
        return String(words.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }.map { $0 == " " ? "-" : $0 })
    }
}
