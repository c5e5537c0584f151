internal import Logging
internal import Reactor

// What `--log-level debug` tells of single clients: what they were refused and why their connections ended. Never a token,
// a key, a cursor or a payload. Without it each call is a branch on a flag that was read once; the facts are not made.
extension EdgeReactor {
    /// Says what became of a client.
    @inline(__always)
    func debug(_ index: UInt32, _ event: StaticString, _ facts: @autoclosure () -> [String: String] = [:]) {
        if isDebugging { tell(event, facts(), of: index) }
    }

    private func tell(_ event: StaticString, _ facts: [String: String], of index: UInt32) {
        let connection = connections[live: index]
        var metadata = facts.mapValues { Logger.MetadataValue.string($0) }
        metadata["client"] = "\(connection.pointee.peer)"
        metadata["transport"] = "\(connection.pointee.transport)"
        logger.debug("\(event)", metadata: metadata)
    }
}
