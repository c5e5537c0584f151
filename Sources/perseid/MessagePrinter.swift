import PerseidClient
import Wire

/// Prints messages and gaps on standard output, each on a line of its own.
struct MessagePrinter: Sendable {
    /// What is printed of a message.
    enum Form: Sendable {
        /// The line of JSON by which nodes tell it.
        case json
        /// What was published, every byte of it.
        case payload
    }

    private let form: Form
    private let cursor: (@Sendable () -> String)?

    /// - Parameter cursors: tells the cursor behind what is printed, where that is printed, too.
    init(_ form: Form, cursors: (@Sendable () -> String)?) {
        self.form = form
        cursor = cursors
    }

    func print(_ message: Message) {
        guard form == .json else { return print(line: message.bytes) }
        var line = ByteBuffer()
        line.append("{\"type\":\"message\",\"channel\":")
        line.appendJSONString(message.channel)
        if let position = message.position {
            line.append(",\"position\":")
            line.appendJSONString(position.description)
        }
        if let key = message.key {
            line.append(",\"key\":")
            line.appendJSONString(key)
        }
        if message.isSnapshot { line.append(",\"snapshot\":true") }
        switch message.payload {
        case .removal: line.append(",\"removed\":true")
        case .json(let json):
            line.append(",\"data\":")
            line.append(json)
        case .bytes(let bytes):
            line.append(",\"data64\":\"")
            bytes.withUnsafeBytes { Base64.encode($0, to: &line) }
            line.append("\"")
        }
        line.append("}")
        print(line: Array(line.bytes))
    }

    /// Prints a gap, unless payloads alone are wanted.
    func print(_ gap: Gap) {
        guard form == .json else { return }
        var line = ByteBuffer()
        line.append("{\"type\":\"gap\",\"channel\":")
        line.appendJSONString(gap.channel)
        line.append(",\"from\":")
        line.appendJSONString(gap.from.description)
        line.append(",\"to\":")
        line.appendJSONString(gap.to.description)
        line.append("}")
        print(line: Array(line.bytes))
    }

    private func print(line: [UInt8]) {
        var line = line
        if let cursor { line += Array("\t\(cursor())".utf8) }
        line.append(UInt8(ascii: "\n"))
        StandardOutput.write(line)
    }
}
