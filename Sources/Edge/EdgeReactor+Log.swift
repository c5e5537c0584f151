internal import Hub
internal import Logging
internal import Reactor
internal import Wire

// What `--log-level debug` tells of single clients: what they were refused and why their connections ended. Never a token,
// a key, a cursor or a payload. Without it each call is a branch on a flag that was read once; the facts are not made.
extension EdgeReactor {
    /// Says what became of a client.
    @inline(__always)
    func debug(_ slot: Slot, _ event: StaticString, _ facts: @autoclosure () -> [String: String] = [:]) {
        if isDebugging { tell(event, facts(), of: slot) }
    }

    private func tell(_ event: StaticString, _ facts: [String: String], of slot: Slot) {
        let connection = connections[live: slot]
        var metadata = facts.mapValues { Logger.MetadataValue.string($0) }
        metadata["client"] = "\(address(of: slot))"
        metadata["transport"] = "\(connection.pointee.client.encoding?.carrier.carrier.name ?? "http")"
        logger.debug("\(event)", metadata: metadata)
    }
}
