import Foundation

/// What a node tells a stream besides publications: the fields of `welcome`, `subscribed`, `gap`, `error` and `bye` that a
/// reader of streams acts on or shows.
struct ControlMessage: Decodable {
    var channel: String?
    var node: String?
    var heartbeat: UInt64?
    var recovered: Bool?
    var from: String?
    var to: String?
    var code: Int?
    var message: String?
    var reason: String?
    var reconnect: Bool?
    var after: UInt64?

    /// Reads one; of what is none, nothing is known.
    init(_ bytes: UnsafeRawBufferPointer) {
        guard let read = try? JSONDecoder().decode(ControlMessage.self, from: Data(bytes)) else { return }
        self = read
    }
}
