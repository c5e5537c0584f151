import Broker

// A client that polls: an answer counts once it is whole, and says where the next one begins.
extension SimulatedClient {
    /// Takes the answer if it is there as a whole.
    func readAnswer(_ connection: SimulatedConnection, _ reader: inout MessageReader) throws(BrokenMessage) {
        if status == nil, let line = reader.nextLine() {
            let numbers = String(decoding: line, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 2 else { throw BrokenMessage() }
            status = numbers[0]
            tokenOfAnswer = numbers[1]
        }
        guard let status else { return }
        note("is answered \(status)")
        guard status == 200 else { return end(connection, status) }
        guard let line = reader.nextLine() else { return }
        let body = try JSON(line)
        lastNode = connection.edge.nodeName
        if tokenOfAnswer > 0 { token = simulation.tokens[tokenOfAnswer] }
        guard let text = body["cursor"]?.text else { throw BrokenMessage() }
        try take(body, told(text))
        take(cursor: text)
        end(connection, status)
    }

    private func end(_ connection: SimulatedConnection, _ status: Int) {
        if status == 401 { token = nil }
        self.status = nil
        takeLeave(of: connection)
    }

    /// Takes what there is of each channel, in the order in which one follows the other.
    private func take(_ body: JSON, _ cursor: [ChannelName: Position]) throws(BrokenMessage) {
        var messages: [Message] = []
        for json in (body["publications"]?.elements ?? []) + (body["gaps"]?.elements ?? []) {
            messages.append(try Message(json))
        }
        for (channel, position) in cursor {
            takeChannel(simulation.number(of: channel), messages, body["recovered"]?.bool, upTo: position)
        }
    }

    private func takeChannel(_ channel: Int, _ messages: [Message], _ isRecovered: Bool?, upTo end: Position) {
        var rest = messages.filter { $0.channel == channel }
        let since = standings[channel]?.since
        // Who did not say where it stands begins where the first of them does, which follows no other.
        let ends = rest.compactMap(\.end)
        let first = rest.compactMap { simulation.verifier.beginning(of: $0) }.first { !ends.contains($0) }
        check(.subscribed(channel: channel, since ?? first ?? end, isRecovered: since == nil ? nil : isRecovered))
        while let place = rest.firstIndex(where: { isNext($0, in: channel) }) { check(rest.remove(at: place)) }
        for message in rest { check(message) }
    }

    private func isNext(_ message: Message, in channel: Int) -> Bool {
        simulation.verifier.beginning(of: message).map { $0 == standings[channel]?.reached } ?? true
    }
}

extension Message {
    /// The channel that it is of, if it is of one.
    var channel: Int? {
        switch self {
        case .subscribed(let channel, _, _), .publication(let channel, _, _), .ephemeral(let channel, _),
            .gap(let channel, _, _), .unsubscribed(let channel), .refused(let channel, _):
            channel
        case .welcome, .ping, .bye: nil
        }
    }
}

extension Message {
    /// Where a client stands once it was told.
    var end: Position? {
        switch self {
        case .publication(_, let position, _), .gap(_, _, let position): position
        default: nil
        }
    }
}

extension Verifier {
    /// Where a client stands that is told something next.
    func beginning(of message: Message) -> Position? {
        switch message {
        case .publication(_, _, let number): entries[number]?.previous
        case .gap(_, let from, _): from
        default: nil
        }
    }
}
