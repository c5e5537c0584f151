/// The head of a node's or a balancer's answer, as far as the commands look at it.
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
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields[line[..<colon].lowercased()] = String(value)
        }
        self.fields = fields
    }

    subscript(field: String) -> String? { fields[field] }

    /// Whether the body comes in chunks.
    var isChunked: Bool { self["transfer-encoding"]?.lowercased().hasSuffix("chunked") ?? false }

    /// Bytes of the body, where they are announced.
    var contentLength: Int? { isChunked ? nil : self["content-length"].flatMap { Int($0) } }

    /// Whether the body is an event stream.
    var isEventStream: Bool {
        status == 200 && self["content-type"]?.lowercased().hasPrefix("text/event-stream") ?? false
    }

    /// How long to wait, where the answer says so in seconds.
    var retryAfterMilliseconds: UInt64? {
        self["retry-after"].flatMap { UInt64($0) }.map { min($0, 86_400) * 1_000 }
    }
}
