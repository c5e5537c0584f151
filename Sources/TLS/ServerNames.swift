/// Which certificate is for which name that a client asks for, RFC 6066 §3.
struct ServerNames {
    private var whole: [String: Int] = [:]
    /// Those that stand for any one label in front, by what follows it.
    private var wild: [String: Int] = [:]

    /// Notes what a certificate is for; the first of a name has it.
    mutating func add(_ name: String, place: Int) {
        if name.hasPrefix("*.") {
            let rest = String(name.dropFirst(2))
            if wild[rest] == nil { wild[rest] = place }
        } else if whole[name] == nil {
            whole[name] = place
        }
    }

    /// The place of the certificate for a name; `nil` if there is none.
    func find(_ name: String) -> Int? {
        let name = name.lowercased()
        if let place = whole[name] { return place }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return wild[String(name[name.index(after: dot)...])]
    }
}
