/// A value as it was given, before it is known what it should be: what YAML can say, which is more than a variable or a
/// flag can. Settings that are maps, or lists of maps, are values of values.
struct SettingValue: Sendable, Equatable {
    /// The setting's name, `limits.poll-bytes-max`; of what lies in a list or map, that of the setting around it.
    let name: String
    let source: SettingSource
    let content: Content

    /// What was written.
    enum Content: Sendable, Equatable {
        /// A name with nothing behind it.
        case nothing
        /// Text. In quotes it is text whatever it looks like.
        case text(String, isQuoted: Bool)
        /// The items of a list, in order.
        case list([SettingValue])
        /// The entries of a map, in order, each with its own name.
        case map([SettingValue])
    }

    /// What is wrong with this value.
    func error(_ reason: String) -> SettingsError { SettingsError(name: name, source: source, reason: reason) }
}

// What a value should be. The reasons never repeat the value where it may be a secret: `text` and `items` serve those.
extension SettingValue {
    /// Text that is not empty.
    func text() throws(SettingsError) -> String {
        switch content {
        case .nothing, .text("", _): throw error("is empty: give it a value, or leave it out")
        case .text(let text, _): return text
        case .list: throw error("must be one value, not a list")
        case .map: throw error("must be one value, not a map")
        }
    }

    /// A whole number in decimal digits.
    func number(in range: ClosedRange<Int>) throws(SettingsError) -> Int {
        let text = try unquoted("a number")
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw error("\(text) is not a whole number")
        }
        guard let number = Int(text), range.contains(number) else {
            throw error("\(text) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// Yes or no, as YAML writes them; and as 1 or 0, which is how variables are often written.
    func flag() throws(SettingsError) -> Bool {
        let text = try unquoted("true or false")
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: break
        }
        if case .environment = source, text == "1" || text == "0" { return text == "1" }
        throw error("\(text) is neither true nor false")
    }

    /// One of a few words.
    func choice(of words: [String]) throws(SettingsError) -> String {
        let text = try text()
        guard words.contains(text) else { throw error("\(text) is not one of \(words.joined(separator: ", "))") }
        return text
    }

    /// The items of a list, one at least; as text they have spaces between them.
    func words() throws(SettingsError) -> [SettingValue] {
        guard case .text(let text, let isQuoted) = content, !text.isEmpty else {
            let items = try items()
            guard !items.isEmpty else { throw error("is empty: give it a value, or leave it out") }
            return items
        }
        return text.split(separator: " ").map {
            SettingValue(name: name, source: source, content: .text(String($0), isQuoted: isQuoted))
        }
    }

    /// The items of a list, none of them empty. A variable or a flag has them separated by commas.
    func items() throws(SettingsError) -> [SettingValue] {
        switch content {
        case .list(let items):
            for item in items { if item.isEmpty { throw item.error("an item of the list is empty") } }
            return items
        case .text(let text, _):
            if case .file = source { throw error("must be a list, each item on a line of its own behind a dash") }
            let items = text.split(separator: ",", omittingEmptySubsequences: false).map { item in
                let text = String(item.trimmingPrefix { $0 == " " }.reversed().trimmingPrefix { $0 == " " }.reversed())
                return SettingValue(name: name, source: source, content: .text(text, isQuoted: false))
            }
            for item in items { if item.isEmpty { throw error("an item of the list is empty") } }
            return items
        case .nothing: throw error("is empty: give it a list, or leave it out")
        case .map: throw error("must be a list, not a map")
        }
    }

    private var isEmpty: Bool {
        switch content {
        case .nothing, .text("", _): true
        default: false
        }
    }

    private func unquoted(_ what: String) throws(SettingsError) -> String {
        let text = try text()
        if case .text(_, isQuoted: true) = content { throw error("must be \(what), not text in quotes") }
        return text
    }
}
