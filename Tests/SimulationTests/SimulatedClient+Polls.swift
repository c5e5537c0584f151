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

    /// Publications and gaps are each told in their order; how the two lists belong together, positions tell.
    private func takeChannel(_ channel: Int, _ messages: [Message], _ isRecovered: Bool?, upTo end: Position) {
        let all = messages.filter { $0.channel == channel }
        let (gaps, publications) = (all.filter(\.isGap)[...], all.filter { !$0.isGap }[...])
        if simulation.isKeyed(simulation.channels[channel]) {
            return takeKeyed(channel, gaps, publications, isRecovered, upTo: end)
        }
        let since = standings[channel]?.since
        // Who did not say where it stands begins where the first of them does.
        let firsts = [gaps, publications].compactMap { $0.lazy.compactMap(self.simulation.verifier.beginning).first }
        let starts = since.map { [$0] } ?? firsts
        let ways = starts.lazy.compactMap { start in
            self.merged(gaps, publications, from: start, to: end).map { (start, $0) }
        }
        guard let (start, way) = ways.first else {
            if since == nil, starts.isEmpty {
                check(.subscribed(channel: channel, end, isRecovered: nil))
                return publications.forEach(check)
            }
            return simulation.verifier.fail(
                .continuity,
                "client \(number) is answered \(all), which no way leads through"
            )
        }
        check(.subscribed(channel: channel, start, isRecovered: since == nil ? nil : isRecovered))
        way.forEach(check)
    }

    /// In a keyed channel publications need not follow each other. Who does not say where it stands is told a snapshot.
    private func takeKeyed(
        _ channel: Int,
        _ gaps: ArraySlice<Message>,
        _ publications: ArraySlice<Message>,
        _ isRecovered: Bool?,
        upTo end: Position
    ) {
        let since = standings[channel]?.since
        var (gaps, publications) = (gaps, publications)
        check(.subscribed(channel: channel, since ?? .start, isRecovered: since == nil ? nil : isRecovered))
        while let next = gaps.first.flatMap({ startsHere($0, channel) ? $0 : nil }) ?? publications.first {
            if next.isGap { gaps.removeFirst() } else { publications.removeFirst() }
            check(next)
        }
        let name = simulation.channels[channel]
        let standing = standings[channel, default: Standing()]
        let reached = standing.reached ?? .start
        let left = simulation.verifier.unreplaced(in: name, after: reached, before: end.successor, for: standing)
        simulation.verifier.expect(
            gaps.isEmpty && left.isEmpty && reached <= end,
            .continuity,
            "client \(number) is at \(reached), answered up to \(end) with \(gaps), without \(left)"
        )
        standings[channel]?.reached = end
    }

    private func startsHere(_ gap: Message, _ channel: Int) -> Bool {
        simulation.verifier.beginning(of: gap) == standings[channel]?.reached
    }

    private func merged(
        _ gaps: ArraySlice<Message>,
        _ publications: ArraySlice<Message>,
        from position: Position,
        to end: Position
    ) -> [Message]? {
        if gaps.isEmpty, publications.isEmpty { return position == end ? [] : nil }
        for isGap in [true, false] {
            guard let next = isGap ? gaps.first : publications.first,
                simulation.verifier.beginning(of: next) ?? position == position,
                let rest = merged(
                    isGap ? gaps.dropFirst() : gaps,
                    isGap ? publications : publications.dropFirst(),
                    from: next.end ?? position,
                    to: end
                )
            else { continue }
            return [next] + rest
        }
        return nil
    }
}

extension Message {
    /// The channel that it is of, if it is of one.
    var channel: Int? {
        switch self {
        case .subscribed(let channel, _, _), .publication(let channel, _, _, _), .ephemeral(let channel, _),
            .gap(let channel, _, _), .unsubscribed(let channel), .refused(let channel, _):
            channel
        case .welcome, .ping, .bye: nil
        }
    }
}

extension Message {
    var isGap: Bool { if case .gap = self { true } else { false } }

    /// Where a client stands once it was told.
    var end: Position? {
        switch self {
        case .publication(_, let position, _, _), .gap(_, _, let position): position
        default: nil
        }
    }
}

extension Verifier {
    /// Where a client stands that is told something next.
    func beginning(of message: Message) -> Position? {
        switch message {
        case .publication(_, _, let number, _): entries[number]?.previous
        case .gap(_, let from, _): from
        default: nil
        }
    }
}
