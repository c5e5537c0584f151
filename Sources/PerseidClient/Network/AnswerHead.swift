/// The head of a node's or a balancer's answer, as far as a client looks at it.
struct AnswerHead {
    let status: Int
    private let fields: [String: String]

    /// Reads a head up to its empty line, or `nil` where it is none.
    init?(_ bytes: some Sequence<UInt8>) {
        let lines = String(decoding: Array(bytes), as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = first.split(separator: " ").dropFirst().first,
            let number = Int(status), (100...599).contains(number)
        else { return nil }
        self.status = number
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            var value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            while let last = value.last, last == " " || last == "\t" { value.removeLast() }
            fields[line[..<colon].lowercased()] = String(value)
        }
        self.fields = fields
    }

    subscript(field: String) -> String? { fields[field] }

    /// Whether the body comes in chunks.
    var isChunked: Bool { self["transfer-encoding"]?.lowercased().hasSuffix("chunked") ?? false }

    /// Bytes of the body, where they are announced.
    var contentLength: Int? { isChunked ? nil : self["content-length"].flatMap { Int($0) } }

    /// Whether it has no body, whatever its fields say. Source: RFC 9112 §6.3.
    var hasNoBody: Bool { status == 204 || status == 304 }

    /// Whether the connection is of use for another question.
    var keepsConnection: Bool { !(self["connection"]?.lowercased().contains("close") ?? false) }

    /// Whether the body is of a kind.
    func isOf(type: String) -> Bool { self["content-type"]?.lowercased().hasPrefix(type) ?? false }

    /// How long to wait, where the answer says so in seconds.
    var retryAfterMilliseconds: UInt64? {
        self["retry-after"].flatMap { UInt64($0) }.map { min($0, 86_400) * 1_000 }
    }
}
