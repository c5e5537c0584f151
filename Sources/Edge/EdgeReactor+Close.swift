internal import Broker
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
    func close(_ index: UInt32) {
        let connection = connections[live: index]
        guard !connection.pointee.flags.contains(.isClosed) else { return }
        connection.pointee.flags.insert(.isClosed)
        leaveAll(index)
        if let poll = polls[connections.key(ofLive: index)] { release(poll) }
        abandonContinuations(index)
        releaseSession(index)
        unsubscribeAll(index)
        timers.cancel(index)
        stalls[index] = nil
        budgets[connections.key(ofLive: index)] = nil
        count(connection.pointee.transport, -1)
        if connection.pointee.flags.contains(.isBlocked) { metrics.laggards.add(-1) }
        let peer = connection.pointee.peer.network
        if let left = connectionsByAddress[peer], left > 1 {
            connectionsByAddress[peer] = left - 1
        } else {
            connectionsByAddress[peer] = nil
        }
        connection.pointee.socket.close()
        connection.pointee.input = nil
        connection.pointee.outbox = nil
        releaseFragments(index)
        graveyard.append(connections.key(ofLive: index))
    }

    /// Closes a connection that broke. One whose peer acknowledged nothing for too long was ended by the kernel, by our limit.
    func fail(_ index: UInt32, _ code: Int32) {
        // bounded: an `errno`
        let error = SystemError(call: "socket", result: -Int(code))
        debug(index, "closed: the connection broke", ["error": "\(error)"])
        if error.isTimeout { metrics.timeouts.add() }
        close(index)
    }

    /// Frees the slots of what was closed in this turn.
    func bury() {
        for key in graveyard { connections.remove(key) }
        graveyard.removeAll(keepingCapacity: true)
    }

    /// Ends a connection once what waits for it is sent.
    func closeWhenSent(_ index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing]) else { return }
        finishFrame(index)
        leaveAll(index)
        uncork(index)
        if connection.pointee.flags.contains(.isClosed) { return }
        connection.pointee.flags.insert(.isClosing)
        connection.pointee.input = nil
        unsubscribeAll(index)
        timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.closeMilliseconds))
        if connection.pointee.outbox == nil { shut(index) }
    }

    /// Ends our direction and waits for the peer to end its own: closing at once would reset the connection under an
    /// answer the peer has not read (RFC 9112 §9.6).
    func shut(_ index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isShut]) else { return }
        connection.pointee.flags.insert(.isShut)
        connection.pointee.socket.shutdownWriting()
        if connection.pointee.flags.contains(.isReadingPaused) {
            connection.pointee.flags.remove(.isReadingPaused)
            watch(index)
        }
    }

    /// Tells a client why and closes. Never in the middle of a frame.
    func sayBye(_ index: UInt32, _ code: ByeCode, afterMilliseconds: UInt64) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing]) else { return }
        debug(index, "sent away", ["code": "\(code.rawValue)", "reason": "\(code.reason)"])
        noteFarewell(index)
        finishFrame(index)
        output.removeAll()
        let encoding = connection.pointee.encoding
        if connection.pointee.transport != .http, encoding.hasControlMessages {
            let id = encoding.carrier == .eventStream ? code.lastEventID : nil
            encoder.appendControl("bye", cursor: id, as: encoding, to: &output) {
                Envelope.appendBye(
                    code: code.rawValue,
                    reason: "\(code.reason)",
                    reconnect: code.mayReconnect,
                    afterMilliseconds: afterMilliseconds,
                    to: &$0
                )
            }
        }
        if connection.pointee.transport == .webSocket {
            let reason = UnsafeRawBufferPointer(start: code.reason.utf8Start, count: code.reason.utf8CodeUnitCount)
            WebSocketEncoder.appendClose(WebSocketCloseCode(rawValue: code.rawValue), reason: reason, to: &output)
            connection.pointee.flags.insert(.sentClose)
        }
        if encoding.isChunked { output.append(HTTPChunkedEncoder.end) }
        write(index, output.bytes)
        closeWhenSent(index)
    }

    /// Puts the rest of the frame that the socket has the beginning of in front of all that waits, so that its log is no
    /// longer needed.
    func finishFrame(_ index: UInt32) {
        let connection = connections[live: index]
        let unfinished = connection.pointee.unfinished
        guard unfinished != SubscriptionTable.none else { return }
        connection.pointee.unfinished = SubscriptionTable.none
        let reader = subscriptions[unfinished]
        if let rest = reader.pointee.log.restOfFrame(at: reader.pointee.offset) {
            keepFirst(index, rest)
        }
    }

    func keepFirst(_ index: UInt32, _ rest: (bytes: [UInt8], skipping: Int)) {
        let connection = connections[live: index]
        // Whatever is gathered comes behind it.
        let outbox = connection.pointee.outbox ?? Outbox(held)
        outbox.prepend(rest.bytes, skipping: rest.skipping)
        connection.pointee.outbox = outbox
    }

    func count(_ transport: Connection.Transport, _ amount: Int) {
        switch transport {
        case .http: metrics.httpConnections.add(amount)
        case .webSocket: metrics.webSocketConnections.add(amount)
        case .eventStream: metrics.eventStreamConnections.add(amount)
        case .jsonStream: metrics.jsonStreamConnections.add(amount)
        }
    }
}
