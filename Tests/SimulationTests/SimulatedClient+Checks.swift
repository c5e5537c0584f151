import Broker
import Wire

// What a client expects of each message. Violations are collected, and the first one ends the run.
extension SimulatedClient {
    private var verifier: Verifier { simulation.verifier }

    /// Whether masters may go on that were replaced.
    private var hasFormer: Bool { simulation.scenario.replaceWeight > 0 }

    func check(_ message: Message) {
        switch message {
        case .subscribed(let channel, let position, let isRecovered):
            checkSubscribed(channel, position, isRecovered)
        case .publication(let channel, let position, let publication, let isSnapshot):
            if isSnapshot { noteSnapshot(of: channel) }
            check(publication, in: channel, at: position)
        case .ephemeral(_, let number):
            verifier.expect(verifier.isEphemeral(number), .backplane, "\(number) was never published")
        case .gap(let channel, let from, let to): checkGap(channel, from, to)
        case .unsubscribed(let channel): standings[channel, default: Standing()].state = .idle
        case .refused(let channel, let code): takeRefusal(channel, code)
        case .welcome, .ping, .bye: break
        }
    }

    /// A snapshot may come in parts, each of which is read when its turn has come.
    private func noteSnapshot(of channel: Int) {
        let head = simulation.head(of: simulation.channels[channel])
        guard let end = standings[channel]?.snapshotEnd else { return }
        standings[channel]?.snapshotEnd = max(end, head)
    }

    private func takeRefusal(_ channel: Int, _ code: Int) {
        let state = standings[channel]?.state
        // Refused while it was taken back: the answer to that follows.
        if code == 404 || code == 503 && state == .joining { standings[channel]?.state = .idle }
    }

    private func checkSubscribed(_ channel: Int, _ position: Position, _ isRecovered: Bool?) {
        var standing = standings[channel, default: Standing()]
        note("is subscribed to \(channel) at \(position), recovered: \(isRecovered.map { "\($0)" } ?? "-")")
        if let since = standing.since {
            verifier.expect(isRecovered != nil, .continuity, "client \(number) is not told whether it missed anything")
            if isRecovered == true, since != position {
                verifier.fail(.continuity, "client \(number) asked since \(since) and is to be complete at \(position)")
            }
        }
        if isRecovered == true {
            if standing.begunAnew.isEmpty { checkNothingMissed(standing, channel, upTo: position) }
            standing.begunAnew.removeAll()
        }
        standing.begunAnew.remove(connectionNumber)
        if standing.mayRepeat {
            standing.received = standing.received.filter { verifier.entries[$0]!.position <= position }
        }
        // Told while it was taken back: the answer to that follows.
        if standing.state != .leaving { standing.state = .subscribed }
        let name = simulation.channels[channel]
        let isKeyed = simulation.isKeyed(name)
        standing.jump(to: position, verifier.entries, hasFormer: hasFormer, isKeyed: isKeyed)
        let beginsWithSnapshot = isKeyed && standing.since == nil && isRecovered == nil
        standing.snapshotEnd = beginsWithSnapshot ? simulation.head(of: name) : nil
        standings[channel] = standing
    }

    /// What a client with a token alone is said to be complete from has nothing before it that it did not get.
    private func checkNothingMissed(_ standing: Standing, _ channel: Int, upTo position: Position) {
        let name = simulation.channels[channel]
        guard let reached = standing.reached, position > reached, !verifier.isAmbiguous(position, in: name) else {
            return
        }
        let kept =
            simulation.isKeyed(name)
            ? verifier.unreplaced(in: name, after: reached, before: position.successor, for: standing)
            : verifier.kept(in: name, after: reached, upTo: position)
        let missed = kept.filter { !standing.received.contains($0) }
        verifier.expect(missed.isEmpty, .continuity, "client \(number) lost \(missed) and was not told")
    }

    private func check(_ publication: Int, in channel: Int, at position: Position) {
        var standing = standings[channel, default: Standing()]
        guard let entry = verifier.entries[publication], entry.channel == simulation.channels[channel],
            entry.position == position
        else { return verifier.fail(.backplane, "client \(number): Redis never had \(publication) at \(position)") }
        let isSubscribed = standing.state == .subscribed || standing.state == .leaving
        verifier.expect(isSubscribed, .order, "client \(number) is sent \(publication) without a subscription")
        let reached = standing.reached ?? .start
        verifier.expect(
            standing.received.insert(publication).inserted,
            .order,
            "client \(number) is sent \(publication) twice"
        )
        if simulation.isKeyed(entry.channel) {
            checkNothingLeftOut(publication, entry, standing, behind: reached)
            standing.values[entry.about] = publication
        } else {
            verifier.expect(
                entry.previous == reached,
                .continuity,
                "client \(number): \(position) follows \(entry.previous), not \(reached)"
            )
        }
        standing.reached = position
        standings[channel] = standing
        verifier.count(delivered: publication, to: number)
    }

    /// In a keyed channel positions go up, and only what a newer publication of its key has replaced is left out.
    private func checkNothingLeftOut(
        _ publication: Int,
        _ entry: Verifier.Entry,
        _ standing: Standing,
        behind reached: Position
    ) {
        verifier.expect(
            entry.position > reached,
            .order,
            "client \(number): \(entry.position) comes behind \(reached)"
        )
        // What Redis lost was told by a node that had not heard of that, and of what came in its place. One that is at a master that was
        // replaced does not know what the other has.
        if entry.isLost, hasFormer { return }
        let left = verifier.unreplaced(
            in: entry.channel,
            after: reached,
            before: entry.position,
            for: standing,
            takenBefore: entry.isLost ? publication : nil
        )
        verifier.expect(
            left.isEmpty,
            .continuity,
            "client \(number): \(left) of \(entry.channel) are left out before \(entry.position)"
        )
    }

    /// Whether it has what Redis has of a key. What was told of a part of a history leaves out what a later part replaces: who left between
    /// the two, and came back when Redis had lost the later one, stands where nothing says that the earlier one was left out.
    func has(_ publication: Publication, in channel: ChannelName) -> Bool {
        guard let standing = standings[simulation.number(of: channel)] else { return false }
        if standing.values[publication.payload.key] == publication.payload.number { return true }
        guard let since = standing.since, since > publication.position else { return false }
        return verifier.lostAll(about: publication.payload.key, in: channel, behind: since)
            .contains { !standing.received.contains($0) }
    }

    private func checkGap(_ channel: Int, _ from: Position, _ to: Position) {
        note("gap in \(channel) from \(from) to \(to)")
        if let standing = standings[channel], mayStand(standing, in: simulation.channels[channel], at: from) {
            standings[channel]?.reached = from
        }
        let reached = standings[channel]?.reached
        verifier.expect(
            from == reached,
            .continuity,
            "client \(number) stands at \(reached!), its gap begins at \(from)"
        )
        verifier.expect(from != to, .continuity, "client \(number) is told a gap that is none")
        let isKeyed = simulation.isKeyed(simulation.channels[channel])
        standings[channel]?.jump(to: to, verifier.entries, hasFormer: hasFormer, isKeyed: isKeyed)
    }

    // MARK: Cursors

    /// The positions in a cursor's text.
    func told(_ cursor: String?) -> [ChannelName: Position] {
        guard let cursor, let parsed = Cursor(cursor) else { return [:] }
        return parsed.positions.filter { simulation.channels.contains($0.key) }
    }

    /// A cursor is where it stands in all of its channels: with it nothing comes twice, and nothing is left out. Of those that it
    /// was not told of yet it has what it came with, or its session.
    func take(cursor text: String) {
        cursor = text
        verifier.expect(
            Cursor(text)?.positions.keys.allSatisfy(simulation.channels.contains) == true,
            .order,
            "client \(number) was sent what is no cursor: \(text)"
        )
        for (channel, position) in told(text) {
            guard let standing = standings[simulation.number(of: channel)], standing.state == .subscribed else {
                continue
            }
            let reached = standing.reached
            if mayStand(standing, in: channel, at: position) {
                standings[simulation.number(of: channel)]?.reached = position
                continue
            }
            verifier.expect(
                position == reached,
                .continuity,
                "client \(number): the cursor has \(channel) at \(position), it was told \(reached.map { "\($0)" } ?? "-")"
            )
        }
    }

    /// Whether a client of a keyed channel may be said to stand further than it was told: all up to there was replaced, or forgotten while
    /// it was told a snapshot.
    private func mayStand(_ standing: Standing, in channel: ChannelName, at position: Position) -> Bool {
        guard simulation.isKeyed(channel), let reached = standing.reached, position > reached else { return false }
        return verifier.unreplaced(in: channel, after: reached, before: position.successor, for: standing).isEmpty
    }

    // MARK: Rest

    /// At the end of a run: it has its channels, and stands at their heads.
    var isAtRest: Bool {
        if isPolling {
            return wanted.allSatisfy {
                standings[simulation.number(of: $0)]?.reached == simulation.head(of: $0)
            }
        }
        if carrier != .webSocket, wanted.isEmpty { return connection == nil }
        guard connection != nil else { return false }
        return simulation.channels.allSatisfy { channel in
            let standing = standings[simulation.number(of: channel)]
            // A session of a stream goes on with what it had.
            guard wanted.contains(channel) else { return carrier != .webSocket || standing?.state ?? .idle == .idle }
            return standing?.state == .subscribed && standing?.reached == simulation.head(of: channel)
        }
    }
}
