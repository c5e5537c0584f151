/// A JSON text, read as it comes: for what an edge tells its clients.
enum JSON {
    case null
    case bool(Bool)
    case number(Int)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Reads one text that is all of some bytes.
    init(_ bytes: some Collection<UInt8>) throws(BrokenMessage) {
        var reader = Reader(bytes: Array(bytes))
        self = try reader.value()
        guard reader.isAtEnd else { throw BrokenMessage() }
    }

    subscript(name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int? { if case .number(let number) = self { number } else { nil } }
    var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        var isAtEnd: Bool { place == bytes.count }

        mutating func value() throws(BrokenMessage) -> JSON {
            switch try peek() {
            case UInt8(ascii: "{"): return .object(try object())
            case UInt8(ascii: "["): return .array(try array())
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try literal("true", .bool(true))
            case UInt8(ascii: "f"): return try literal("false", .bool(false))
            case UInt8(ascii: "n"): return try literal("null", .null)
            default: return .number(try number())
            }
        }

        private func peek() throws(BrokenMessage) -> UInt8 {
            guard place < bytes.count else { throw BrokenMessage() }
            return bytes[place]
        }

        private mutating func take(_ byte: UInt8) throws(BrokenMessage) {
            guard try peek() == byte else { throw BrokenMessage() }
            place += 1
        }

        /// Whether the next byte is one, which is taken then.
        private mutating func skips(_ byte: UInt8) throws(BrokenMessage) -> Bool {
            guard try peek() == byte else { return false }
            place += 1
            return true
        }

        private mutating func object() throws(BrokenMessage) -> [String: JSON] {
            var members: [String: JSON] = [:]
            try take(UInt8(ascii: "{"))
            if try skips(UInt8(ascii: "}")) { return members }
            repeat {
                let name = try string()
                try take(UInt8(ascii: ":"))
                members[name] = try value()
            } while try skips(UInt8(ascii: ","))
            try take(UInt8(ascii: "}"))
            return members
        }

        private mutating func array() throws(BrokenMessage) -> [JSON] {
            var elements: [JSON] = []
            try take(UInt8(ascii: "["))
            if try skips(UInt8(ascii: "]")) { return elements }
            repeat { elements.append(try value()) } while try skips(UInt8(ascii: ","))
            try take(UInt8(ascii: "]"))
            return elements
        }

        /// Nothing that is told here needs an escape.
        private mutating func string() throws(BrokenMessage) -> String {
            try take(UInt8(ascii: "\""))
            let start = place
            while try peek() != UInt8(ascii: "\"") {
                guard bytes[place] != UInt8(ascii: "\\") else { throw BrokenMessage() }
                place += 1
            }
            defer { place += 1 }
            return String(decoding: bytes[start..<place], as: UTF8.self)
        }

        private mutating func number() throws(BrokenMessage) -> Int {
            let start = place
            while place < bytes.count, bytes[place] >= UInt8(ascii: "0"), bytes[place] <= UInt8(ascii: "9") {
                place += 1
            }
            guard let number = Int(String(decoding: bytes[start..<place], as: UTF8.self)) else { throw BrokenMessage() }
            return number
        }

        private mutating func literal(_ text: StaticString, _ value: JSON) throws(BrokenMessage) -> JSON {
            for place in 0..<text.utf8CodeUnitCount { try take(text.utf8Start[place]) }
            return value
        }
    }
}
