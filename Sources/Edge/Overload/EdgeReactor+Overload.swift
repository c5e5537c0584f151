internal import Broker
internal import Logging
internal import Reactor
internal import Wire

// A node that has too much to do takes nobody new, and says so to its load balancer. Whom it has it keeps: to send them away would
// make them somebody's new clients at once.
extension EdgeReactor {
    /// Once a second, the first reactor looks at all of them.
    func lookForOverload() {
        guard number == 0 else { return }
        let lag = node.reactors.reduce(0) { max($0, $1.longestTurnMicroseconds.value) }
        let memory = HostProcess.residentBytes
        metrics.residentBytes.set(memory)
        let before = overloadWatch.overload
        overloadWatch.look(lagMicroseconds: lag, memoryBytes: memory)
        guard overloadWatch.overload != before else { return }
        node.overload = overloadWatch.overload
        logger.warning(
            overloadWatch.overload == nil ? "the node takes new clients again" : "the node takes no new clients",
            metadata: [
                "reason": "\(overloadWatch.overload?.reason ?? "none")", "lag": "\(lag) us", "memory": "\(memory)",
            ]
        )
    }

    /// Whether a connection came while the node took nobody new, and does not yet.
    func isLate(_ slot: Slot) -> Bool {
        node.overload != nil && connections[live: slot].pointee.traffic.contains(.isLate)
    }

    /// Whether somebody looks after the node: it is now that they have to see how it is. Where everybody may do that, nobody is known to.
    func looksAfterNode(_ who: Credentials) -> Bool { who.key?.scopes.contains(.admin) == true }

    /// Whether somebody is new and the node takes nobody new. Who polls with a cursor is not.
    func mustShed(_ opening: Opening) -> Bool {
        guard node.overload != nil, !looksAfterNode(opening.exchange.credentials) else { return false }
        return !(opening.use.isPoll && opening.plan.cursor != nil)
    }

    /// Tells that nobody new is taken, and to come back elsewhere, or later.
    func shed(_ exchange: Exchange) {
        metrics.shed.add()
        connections[live: exchange.slot].pointee.answer.insert(.isLast)
        let seconds = drawReconnectMilliseconds() / 1_000 + 1
        refuse(exchange, status: 503, node.overload?.reason ?? "the node is overloaded") {
            $0.append(field: "Retry-After", seconds)
        }
    }
}
