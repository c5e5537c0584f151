internal import Broker
internal import Hub
internal import Wire

/// What a backend is told, as it is made: one JSON object.
struct HookBody: ~Copyable {
    private var buffer = ByteBuffer(capacity: 256)

    init(_ hook: HookName, node: String) {
        buffer.append("{\"hook\":\"")
        buffer.append(utf8: hook.rawValue)
        buffer.append("\"")
        add("node", node)
    }

    mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        begin(name)
        buffer.appendJSONString(text)
    }

    /// JSON as it is.
    mutating func add(_ name: StaticString, json: [UInt8]) {
        begin(name)
        buffer.append(json)
    }

    mutating func add(_ name: StaticString, _ texts: [String]) {
        begin(name)
        buffer.append("[")
        for (place, text) in texts.enumerated() {
            if place > 0 { buffer.append(",") }
            buffer.appendJSONString(text)
        }
        buffer.append("]")
    }

    /// A payload as publications have it: `data`, or `data64` where it is no text.
    mutating func add(_ payload: Payload) {
        if payload.kind == .removal { return add("removed", json: Array("true".utf8)) }
        payload.bytes.withUnsafeBytes { bytes in
            let payload = Envelope.Payload(payload.kind, bytes)
            if case .binary = payload { begin("data64") } else { begin("data") }
            Envelope.appendValue(payload, to: &buffer)
        }
    }

    private mutating func begin(_ name: StaticString) {
        buffer.append(",\"")
        buffer.append(name)
        buffer.append("\":")
    }

    consuming func finish() -> [UInt8] {
        buffer.append("}")
        return Array(buffer.bytes)
    }
}
