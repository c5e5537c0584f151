/// A host, by name or number, and a port.
struct RedisPlace: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: UInt16

    /// As logs and messages name it.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
