internal import Wire

extension ByteBuffer {
    /// Appends what a node says of itself, as its `Decodable` reads it.
    mutating func append(_ facts: NodeFacts) {
        append("{\"node\":")
        appendJSONString(facts.node)
        append(",\"version\":")
        appendJSONString(facts.version)
        append(",\"time\":")
        append(decimal: facts.time)
        append(",\"uptimeSeconds\":")
        append(decimal: facts.uptimeSeconds)
        append(",\"state\":")
        appendJSONString(facts.state.rawValue)
        if let reason = facts.reason {
            append(",\"reason\":")
            appendJSONString(reason)
        }
        append(",\"backplane\":")
        appendJSONString(facts.backplane)
        append(",\"connections\":")
        append(numbers: facts.connections)
        append(",\"gauges\":")
        append(numbers: facts.gauges)
        append(",\"counters\":")
        append(numbers: facts.counters)
        append(",\"fanoutMilliseconds\":{\"bounds\":")
        append(list: facts.fanoutMilliseconds.bounds) { $1.append(decimal: $0) }
        append(",\"counts\":")
        append(list: facts.fanoutMilliseconds.counts) { $1.append(number: $0) }
        append("},\"busiest\":")
        append(list: facts.busiest) { channel, buffer in
            buffer.append("{\"channel\":")
            buffer.appendJSONString(channel.channel)
            buffer.append(",\"publications\":")
            buffer.append(number: channel.publications)
            buffer.append(",\"deliveries\":")
            buffer.append(number: channel.deliveries)
            buffer.append("}")
        }
        append("}")
    }

    /// By their names, so that what a node says twice is the same twice.
    private mutating func append(numbers: [String: Int]) {
        append("{")
        for (place, (name, value)) in numbers.sorted(by: { $0.key < $1.key }).enumerated() {
            if place > 0 { append(",") }
            appendJSONString(name)
            append(":")
            append(number: value)
        }
        append("}")
    }

    /// Nothing that is counted is below 0, unless two threads are read in the middle of what they do.
    private mutating func append(number: Int) { append(decimal: UInt64(clamping: number)) }
}
