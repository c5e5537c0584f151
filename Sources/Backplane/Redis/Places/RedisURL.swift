internal import Text

/// The parts of a URL that names a Redis, as they are written: `scheme://[user[:password]@]hosts[/path][?query][#fragment]`.
struct RedisURL {
    let scheme: Substring

    /// Decoded; `nil` where none is given. `redis://:secret@host` gives a password and no user.
    let user: String?
    let password: String?

    /// What stands between the credentials and the path.
    let hosts: Substring

    /// What stands behind the first slash; `nil` where there is none.
    let path: Substring?

    /// Names and decoded values.
    let query: [Substring: String]

    let fragment: Substring?

    /// `nil` where there is no scheme, or what should be decoded cannot be.
    init?(_ url: String) {
        guard let mark = url.firstRange(of: "://") else { return nil }
        scheme = url[..<mark.lowerBound]
        var rest = url[mark.upperBound...]
        var tail: Substring?
        if let slash = rest.firstIndex(of: "/") {
            tail = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        var credentials: [Substring] = []
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
        }
        user = credentials.first.flatMap { $0.isEmpty ? nil : Self.decode($0) }
        password = credentials.count == 2 ? Self.decode(credentials[1]) : nil
        // Without a path these stand behind the hosts.
        var last = tail ?? rest
        fragment = Self.cut(&last, at: "#")
        let query = Self.cut(&last, at: "?")
        (hosts, path) = tail == nil ? (last, nil) : (rest, last)
        guard let query else {
            self.query = [:]
            return
        }
        var values: [Substring: String] = [:]
        for pair in query.split(separator: "&", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Self.decode(parts[1]),
                values.updateValue(value, forKey: parts[0]) == nil
            else { return nil }
        }
        self.query = values
    }

    /// Takes off what stands behind a mark.
    private static func cut(_ text: inout Substring, at mark: Character) -> Substring? {
        guard let place = text.firstIndex(of: mark) else { return nil }
        defer { text = text[..<place] }
        return text[text.index(after: place)...]
    }

    /// Reads decimal digits and nothing else; `Int` itself takes a sign.
    static func number(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    static func decode(_ text: Substring) -> String? { PercentCoding.decode(text, strayPercent: .kept) }
}
