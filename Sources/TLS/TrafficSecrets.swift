/// The secrets that a handshake of TLS 1.3 ends with: RFC 8446 §7.1. What each side seals is sealed with keys that follow from its own.
///
/// Thread: that of its records.
struct TrafficSecrets {
    /// The client's, known once the server has heard its last word.
    private(set) var client: [UInt8] = []

    /// The server's, known from its own last word on.
    private(set) var server: [UInt8] = []

    /// Bytes that were sealed before that. What comes behind them is sealed with the server's.
    private(set) var sealedCount = 0

    var isEmpty: Bool { client.isEmpty && server.isEmpty }

    /// Takes a line of the form that debuggers of TLS read: `SERVER_TRAFFIC_SECRET_0 <client's random> <secret>`, both in hexadecimal.
    mutating func note(_ line: UnsafePointer<CChar>, sealedCount: Int) {
        let words = String(cString: line).utf8.split(separator: UInt8(ascii: " "))
        guard words.count == 3 else { return }
        if words[0].elementsEqual("CLIENT_TRAFFIC_SECRET_0".utf8) {
            client = Self.bytes(words[2])
        } else if words[0].elementsEqual("SERVER_TRAFFIC_SECRET_0".utf8) {
            server = Self.bytes(words[2])
            self.sealedCount = sealedCount
        }
    }

    private static func bytes(_ text: Substring.UTF8View) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for digit in text {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return [] }
            if let upper = high {
                bytes.append(upper << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes
    }
}
