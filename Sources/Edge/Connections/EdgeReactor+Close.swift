internal import Broker
internal import Hub
internal import Reactor
internal import Wire

/// Why a node ends a connection, as WebSocket close codes of the private range.
enum ByeCode: UInt16 {
    /// The node is going away.
    case drain = 4_000
    /// The session was taken over elsewhere.
    case takenOver = 4_001
    /// The backplane did not answer in time.
    case unavailable = 4_002
    /// No session answers to the token.
    case unknownSession = 4_003
    /// The backplane does not let the node hear one of its channels.
    case forbidden = 4_004
    /// A stream grew old or long; the client goes on with a new one.
    case renewed = 4_005
    /// The client reads too slowly; it resumes from its cursor.
    case tooSlow = 4_008

    var reason: StaticString {
        switch self {
        case .drain: "the node is going away"
        case .takenOver: "the session was taken over"
        case .unavailable: "the backplane is away"
        case .unknownSession: "there is no such session"
        case .forbidden: "the backplane refuses a channel"
        case .renewed: "the stream is renewed"
        case .tooSlow: "too slow"
        }
    }

    /// Whether to come back is of use. Who was taken over would take over in turn, for ever.
    var mayReconnect: Bool { self != .takenOver && self != .unknownSession && self != .forbidden }

    /// The last id of an event stream that is not to come back. A browser's `EventSource` does so all the same and shows
    /// it: then it is answered with 204, which ends it.
    var lastEventID: String? { mayReconnect ? nil : "\(Self.lastEventIDMark)\(rawValue)" }

    /// What no cursor begins with.
    static let lastEventIDMark = "!"
}

extension EdgeReactor {
    /// Closes a connection now. Its slot is freed at the end of the turn, so whoever holds it in this turn still can.
    func close(_ slot: Slot) {
        let connection = connections[live: slot]
        guard !connection.pointee.isClosed else { return }
        connection.pointee.lifeCycle.advance(to: .closed)
        leaveAll(slot)
        if connection.pointee.client.has(.isOneAnswer) { releasePoll(slot) }
        if connection.pointee.client.joinCount > 0 { abandonContinuations(slot) }
        releaseSession(slot)
        unsubscribeAll(slot)
        timers.cancel(slot)
        stalls[slot] = nil
        budgets[connections.key(ofLive: slot)] = nil
        metrics.connections(of: connection.pointee.client.encoding?.carrier).add(-1)
        if connection.pointee.traffic.contains(.isBlocked) { metrics.laggards.add(-1) }
        let peer = connection.pointee.peer.network
        if let left = connectionsByAddress[peer], left > 1 {
            connectionsByAddress[peer] = left - 1
        } else {
            connectionsByAddress[peer] = nil
        }
        connection.pointee.link.close()
        connection.pointee.input = nil
        connection.pointee.client.outbox = nil
        releaseFragments(slot)
        graveyard.append(connections.key(ofLive: slot))
    }

    /// Closes a connection that broke. One whose peer acknowledged nothing for too long was ended by the kernel, by our limit.
    func fail(_ slot: Slot, _ code: Int32) {
        // bounded: an `errno`
        let error = SystemError(call: "socket", result: -Int(code))
        debug(slot, "closed: the connection broke", ["error": "\(error)"])
        if error.isTimeout { metrics.timeouts.add() }
        close(slot)
    }

    /// Frees the slots of what was closed in this turn.
    func bury() {
        for key in graveyard { connections.remove(key) }
        graveyard.removeAll(keepingCapacity: true)
    }

    /// Ends a connection once what waits for it is sent.
    func closeWhenSent(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen else { return }
        finishFrame(slot)
        leaveAll(slot)
        uncork(slot)
        if connection.pointee.isClosed { return }
        connection.pointee.lifeCycle.advance(to: .closing)
        connection.pointee.input = nil
        unsubscribeAll(slot)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.closeMilliseconds))
        if connection.pointee.client.outbox == nil { shut(slot) }
    }

    /// Ends our direction and waits for the peer to end its own: closing at once would reset the connection under an
    /// answer the peer has not read (RFC 9112 §9.6).
    func shut(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.lifeCycle == .closing else { return }
        connection.pointee.lifeCycle.advance(to: .shut)
        connection.pointee.link.shutdownWriting()
        if connection.pointee.traffic.contains(.isReadingPaused) {
            connection.pointee.traffic.remove(.isReadingPaused)
            watch(slot)
        }
    }

    /// Tells a client why and closes. Never in the middle of a frame.
    func sayBye(_ slot: Slot, _ code: ByeCode, afterMilliseconds: UInt64) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen else { return }
        debug(slot, "sent away", ["code": "\(code.rawValue)", "reason": "\(code.reason)"])
        noteFarewell(slot)
        finishFrame(slot)
        output.removeAll()
        if let encoding = connection.pointee.client.encoding, encoding.hasControlMessages {
            let id = encoding.traits.contains(.hasFields) ? code.lastEventID : nil
            let bye = ControlMessage.bye(
                code: code.rawValue,
                reason: "\(code.reason)",
                mayReconnect: code.mayReconnect,
                afterMilliseconds: afterMilliseconds
            )
            encoder.append(bye, cursor: id, as: encoding, to: &output)
        }
        connection.pointee.client.encoding?.appendEnd(code.rawValue, code.reason, to: &output)
        connection.pointee.traffic.insert(.sentClose)
        write(slot, output.bytes)
        closeWhenSent(slot)
    }

    /// Puts the rest of the frame that the socket has the beginning of in front of all that waits, so that its log is no
    /// longer needed.
    func finishFrame(_ slot: Slot) {
        let connection = connections[live: slot]
        let unfinished = connection.pointee.client.unfinished
        guard unfinished != SubscriptionSlot.none else { return }
        connection.pointee.client.unfinished = SubscriptionSlot.none
        let reader = subscriptions[unfinished]
        if let rest = reader.pointee.log.restOfFrame(at: reader.pointee.offset) {
            keepFirst(slot, rest)
        }
    }

    func keepFirst(_ slot: Slot, _ rest: (bytes: [UInt8], skipping: Int)) {
        let connection = connections[live: slot]
        // Whatever is gathered comes behind it.
        let outbox = connection.pointee.client.outbox ?? Outbox(held)
        outbox.prepend(rest.bytes, skipping: rest.skipping)
        connection.pointee.client.outbox = outbox
    }
}
