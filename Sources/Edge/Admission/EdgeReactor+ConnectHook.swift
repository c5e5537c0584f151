internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// Whether somebody may come, and as whom: asked for each connection or handshake that would read channels.
extension EdgeReactor {
    /// The fields of a request that the backend is told of, as JSON; `nil` where it is not asked.
    func connectFields(_ request: borrowing HTTPRequest, _ credentials: Credentials) -> [UInt8]? {
        guard access.hooks.contains(.connect), credentials.key == nil else { return nil }
        var fields = ByteBuffer()
        fields.append("{")
        let mayBeAmbient = mayBeAmbient(request)
        for (place, name) in access.connectFields.enumerated() {
            if place > 0 { fields.append(",") }
            fields.appendJSONString(name)
            fields.append(":[")
            let values = mayBeAmbient || !isAmbient(name, in: request) ? request.fieldLines(of: name) : []
            for (place, value) in values.enumerated() {
                if place > 0 { fields.append(",") }
                fields.appendJSONString(value)
            }
            fields.append("]")
        }
        fields.append("}")
        return Array(fields.bytes)
    }

    /// Asks whether a reader may come; goes on with what is known of it then.
    func askToConnect(_ opening: Opening, fields: [UInt8], _ then: @escaping (EdgeReactor, Opening) -> Void) {
        let slot = opening.exchange.slot
        holdRequests(behind: opening.exchange)
        var body = makeBody(
            .connect,
            slot,
            opening.exchange.credentials,
            transport: opening.transport
        )
        body.add("channels", opening.plan.channels.map(\.name.text))
        if fields.count > 2 { body.add("fields", json: fields) }
        ask(.connect, body) { edge, outcome in
            guard edge.isOpen(opening.exchange.connection) else { return }
            switch outcome {
            case .allowed(let answer):
                var opening = opening
                opening.take(answer)
                then(edge, opening)
                edge.takeUp(slot)
            case .refused:
                edge.metrics.forbidden.add()
                edge.turnAway(opening, .refused)
            case .failed: edge.turnAway(opening, .unanswered)
            }
        }
    }

    /// Tells a reader that it may not come, or that nobody could say so.
    func turnAway(_ opening: Opening, _ code: ByeCode) {
        hub.releaseSession(opening.exchange.slot.client)
        var opening = opening
        opening.token = nil
        switch opening.use {
        case .webSocket(let agreement): refuseWebSocket(agreement, opening, code)
        // Any other answer than 200 would end a browser's `EventSource` for good.
        case .stream(_, let wishes) where code.mayReconnect:
            connections[live: opening.exchange.slot].pointee.answer.remove(.isAwaited)
            beginStream(wishes, opening, [])
            hub.sayBye(opening.exchange.slot.client, code, afterMilliseconds: drawReconnectMilliseconds())
        case .stream, .poll: refuse(.exchange(opening.exchange), hookStatus: code.mayReconnect ? 503 : 403)
        }
    }

    // MARK: Bayeux

    /// Asks whether a client that shakes hands may come.
    func askToConnect(_ batch: BayeuxBatch, fields: [UInt8], _ then: @escaping (EdgeReactor, HookOutcome) -> Void) {
        let slot = batch.connection.slot
        var body = makeBody(.connect, slot, batch.credentials, transport: "bayeux")
        body.add("channels", [String]())
        if fields.count > 2 { body.add("fields", json: fields) }
        ask(.connect, body) { edge, outcome in
            guard edge.isWaitedFor(batch) else { return }
            if case .allowed(let answer) = outcome {
                batch.credentials = batch.credentials.with(answer)
                edge.becomeKnown(batch)
            }
            then(edge, outcome)
        }
    }
}

extension Opening {
    /// Takes what a backend says of who comes.
    mutating func take(_ answer: HookAnswer) {
        connectFields = nil
        exchange.credentials = exchange.credentials.with(answer)
        plan.add(answer.channels)
    }
}

extension Credentials {
    /// The same with what a backend says: nothing but yes makes nobody somebody.
    func with(_ answer: HookAnswer) -> Credentials {
        if identity == nil, answer == HookAnswer() { return self }
        return Credentials(identity: (identity ?? Identity(user: nil)).with(answer), key: key)
    }
}

extension HTTPRequest {
    /// The values of a field of any name, each of its lines by itself, as far as they are UTF-8. The head was found right before.
    func fieldLines(of name: String) -> [String] {
        let head = bytes[..<min(head.headCount, bytes.count)]
        return head.split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            guard line[..<colon].lazy.map(Self.lowercased).elementsEqual(name.utf8) else { return nil }
            let blank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            let value = line[line.index(after: colon)...].drop(while: blank)
            let end = value.lastIndex { !blank($0) }.map { value.index(after: $0) } ?? value.startIndex
            return String(validating: value[..<end], as: UTF8.self)
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
