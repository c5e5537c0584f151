internal import Broker
internal import Reactor
internal import Synchronization
internal import Wire

/// Writes publications as lines of JSON, each with a name by which the cluster knows it again.
///
/// Thread: any.
final class PublicationWriter: Sendable {
    /// Tells this client's publications from all others': 128 bits that are drawn.
    private let name = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 16) }.joined()
    private let count = Lock<UInt64>(0)

    private func makeOnce() -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return "\(name)-\(number)"
    }

    /// The line that publishes a payload.
    func line(_ channel: String, _ payload: Payload, key: String? = nil) throws(PerseidError) -> [UInt8] {
        guard ChannelName(channel) != nil else { throw .noChannel(channel) }
        var line = ByteBuffer()
        line.append("{\"channel\":")
        line.appendJSONString(channel)
        line.append(",\"once\":")
        line.appendJSONString(makeOnce())
        if let key {
            guard PublicationKey(key) != nil else { throw .noKey }
            line.append(",\"key\":")
            line.appendJSONString(key)
        }
        switch payload {
        case .removal:
            guard key != nil else { throw .noKey }
            line.append(",\"removed\":true")
        case .json(var json):
            // Checked here, for what is not JSON could end its own line and begin another.
            guard json.withUnsafeBytes({ JSONText.kind(of: $0) }) != nil else {
                throw PerseidError(code: 400, message: "not valid JSON", field: "body")
            }
            json.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
            line.append(",\"data\":")
            line.append(json)
        case .bytes(let bytes):
            line.append(",\"data64\":\"")
            bytes.withUnsafeBytes { Base64.encode($0, to: &line) }
            line.append("\"")
        }
        line.append("}")
        return Array(line.bytes)
    }

    /// A line that somebody else wrote, with a name if it has none. What is no object is left as it is: the node says what is wrong.
    func named(_ line: [UInt8]) -> [UInt8] {
        let isNameless = line.withUnsafeBytes { bytes in
            JSONFields(bytes, ["once", "channel"]).map { $0.raw(0) == nil && $0.raw(1) != nil } ?? false
        }
        guard isNameless, let brace = line.firstIndex(of: UInt8(ascii: "{")) else { return line }
        return line[...brace] + Array("\"once\":\"\(makeOnce())\",".utf8) + line[(brace + 1)...]
    }
}

extension PerseidError {
    static let noKey = PerseidError(code: 400, message: "\(PublicationKey.form)", field: "key")

    static func noChannel(_ text: String) -> PerseidError {
        PerseidError(code: 400, message: "not a channel name", field: "channel")
    }
}
