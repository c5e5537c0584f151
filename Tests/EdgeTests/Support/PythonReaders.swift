/// Event streams as the clients of other languages read them, empty events and all: written after their sources.
enum PythonReaders {
    /// `httpx-sse` 0.4 (`_decoders.py`): an empty line ends an event if any field was ever given, and the id stays given.
    static func httpxEvents(_ stream: String) -> [String] {
        var events: [String] = []
        var data: [Substring] = []
        var (name, hasID, hasRetry) = ("", false, false)
        for line in stream.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.isEmpty {
                if name.isEmpty, data.isEmpty, !hasID, !hasRetry { continue }
                events.append(data.joined(separator: "\n"))
                (name, data, hasRetry) = ("", [], false)
            } else if line.hasPrefix("data:") {
                data.append(line.dropFirst(6))
            } else if line.hasPrefix("event:") {
                name = String(line.dropFirst(7))
            } else if line.hasPrefix("id:") {
                hasID = true
            } else if line.hasPrefix("retry:") {
                hasRetry = true
            }
        }
        return events
    }

    /// `sseclient` 0.0.27: whatever stands between two empty lines is an event, a comment too.
    static func blocks(_ stream: String) -> [String] {
        var events: [String] = []
        var block: [Substring] = []
        for line in stream.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard line.isEmpty else {
                block.append(line)
                continue
            }
            events.append(block.filter { $0.hasPrefix("data:") }.map { $0.dropFirst(6) }.joined(separator: "\n"))
            block = []
        }
        return events
    }
}
