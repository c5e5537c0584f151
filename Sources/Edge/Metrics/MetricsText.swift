internal import Broker
internal import Hub
internal import Wire

/// Writes a node's metrics as Prometheus text, version 0.0.4.
struct MetricsText: ~Copyable {
    private var buffer = ByteBuffer(capacity: 8_192)

    var bytes: UnsafeRawBufferPointer { buffer.bytes }

    init(_ node: NodeStatus, _ configuration: EdgeConfiguration) {
        appendProcess(node, configuration)
        appendConnections(node)
        appendTLS(node)
        appendRequests(node)
        appendLimits(node)
        appendChannels(node)
        appendTraffic(node)
        appendSlowReaders(node)
        appendPaces(node)
        appendCompression(node)
        appendSessions(node)
        appendHooks(node)
        appendBackplane(node.uplink)
        appendLatency(node.reactors.map(\.hub.fanoutLatency))
        appendTurns(node.reactors.map(\.turns))
    }

    mutating func counter(_ name: String, _ help: String, _ value: Int) {
        begin(name, "counter", help)
        append("", of: name, value)
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        begin(name, "gauge", help)
        append("", of: name, value)
    }

    mutating func begin(_ name: String, _ type: String, _ help: String) {
        buffer.append(utf8: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
    }

    mutating func append(_ suffix: String, of name: String, _ value: Int) {
        buffer.append(utf8: "\(name)\(suffix) \(value)\n")
    }

    /// In seconds, to the millisecond.
    mutating func append(milliseconds: Int, of name: String) {
        let fraction = String(milliseconds % 1_000 + 1_000).dropFirst()
        buffer.append(utf8: "\(name) \(milliseconds / 1_000).\(fraction)\n")
    }

    func sum(_ node: NodeStatus, _ counter: KeyPath<EdgeMetrics, Counter>) -> Int {
        node.reactors.reduce(0) { $0 + $1[keyPath: counter].value }
    }
}
