import Backplane
import Broker
import Reactor

extension SimulatedEdge {
    func join(_ connection: SimulatedConnection, _ channels: [(name: ChannelName, since: Position?)], isCommand: Bool) {
        if !isCommand, channels.count == 1, subscribeAtOnce(connection, channels[0].name, since: channels[0].since) {
            return
        }
        let deadline = node.tick(afterMilliseconds: limits.openMilliseconds)
        let asked = channels.map {
            SimulatedJoin(
                slot: connection.slot,
                topic: topic(for: $0.name),
                since: $0.since,
                deadlineTick: deadline
            )
        }
        for join in asked {
            join.topic.joins.append(join)
            if join.topic.isOpen { advance(join) }
            if join.state == .ready { finish(join) } else { joins.append(join) }
        }
    }

    private func subscribeAtOnce(_ connection: SimulatedConnection, _ name: ChannelName, since: Position?) -> Bool {
        guard let topic = topics[name], topic.isOpen, since == nil || since == topic.last && !topic.isCatchingUp
        else { return false }
        if since == nil { connection.onBeginning(topic.number) }
        write(connection, .subscribed(channel: topic.number, topic.last, isRecovered: since.map { _ in true }))
        if connection.isClosed { return true }
        remember(connection, [SessionPosition(name, topic.last)])
        subscribe(connection, to: topic)
        return true
    }

    func advanceJoins(of topic: SimulatedTopic, _ change: (SimulatedJoin) -> Void) {
        let waiting = topic.joins
        topic.joins.removeAll()
        topic.isAdvancing = true
        for join in waiting {
            if join.state == .opening { advance(join) }
            change(join)
        }
        for join in waiting where !join.isDone {
            if join.state == .ready { finish(join) } else { topic.joins.append(join) }
        }
        topic.isAdvancing = false
        releaseIfUnused(topic)
    }

    func advance(_ join: SimulatedJoin) {
        let topic = join.topic
        guard let since = join.since else {
            join.state = .ready
            return
        }
        if since == topic.last, !topic.isCatchingUp {
            join.isRecovered = true
            join.position = since
            join.state = .ready
            return
        }
        join.state = .recovering
        if since > topic.last {
            guard topic.questionsAhead.insert(since).inserted else { return }
        } else {
            if let underWay = topic.recoveryUnderWay, underWay <= since { return }
            topic.recoveryUnderWay = since
        }
        node.post(.recover(topic.name, since: since, reactor: index))
    }

    private func finish(_ join: SimulatedJoin) {
        let topic = join.topic
        join.isDone = true
        topic.joins.removeAll { $0 === join }
        defer { releaseIfUnused(topic) }
        let connection = connections[Int(join.slot)]
        guard !connection.isClosed, !connection.isClosing else { return }
        if join.since == nil {
            join.position = topic.last
            connection.onBeginning(topic.number)
        }
        if !join.isContinuation {
            remember(connection, [SessionPosition(topic.name, join.since ?? join.position)])
        }
        if let poll = connection.poll { return begin(poll, join) }
        note("\(connection.slot) joins \(topic.name) at \(join.position), \(join.replay.count) again")
        tell(connection, join)
        for publication in join.replay {
            write(connection, message(of: publication, in: topic), padding: publication.payload.paddingWords)
        }
        if connection.isClosed { return }
        guard join.leavesRest else { return subscribe(connection, to: topic) }
        let next = SimulatedJoin(continuing: join)
        topic.joins.append(next)
        continuations.append(next)
    }

    private func tell(_ connection: SimulatedConnection, _ join: SimulatedJoin) {
        let number = join.topic.number
        if !join.isContinuation {
            write(connection, .subscribed(channel: number, join.position, isRecovered: join.isRecovered))
        } else if join.isRecovered == false, let since = join.since, simulation.sabotage != .hidesGaps {
            write(connection, .gap(channel: number, from: since, to: join.position))
        }
    }

    /// Goes on with clients that were sent a part of what they missed.
    func goOnTelling() {
        let waiting = continuations
        continuations.removeAll()
        for join in waiting where !join.isDone {
            let connection = connections[Int(join.slot)]
            if connection.isClosed || connection.isClosing {
                join.isDone = true
                join.topic.joins.removeAll { $0 === join }
                releaseIfUnused(join.topic)
                continue
            }
            if join.state == .telling, !connection.isBlocked {
                join.state = .opening
                advance(join)
            }
            if join.state == .ready { finish(join) } else { continuations.append(join) }
        }
    }

    func cancelJoin(_ connection: SimulatedConnection, of topic: SimulatedTopic) -> Bool {
        guard let join = topic.joins.first(where: { $0.slot == connection.slot }) else { return false }
        join.isDone = true
        topic.joins.removeAll { $0 === join }
        releaseIfUnused(topic)
        return true
    }

    func giveUpJoins(_ tick: Tick) {
        joins.removeAll { join in
            if join.isDone { return true }
            let isGone = connections[Int(join.slot)].isClosed
            guard isGone || join.deadlineTick.isReached(by: tick) else { return false }
            giveUp(join)
            return true
        }
    }

    private func giveUp(_ join: SimulatedJoin) {
        join.isDone = true
        join.topic.joins.removeAll { $0 === join }
        releaseIfUnused(join.topic)
        let connection = connections[Int(join.slot)]
        guard !connection.isClosed, !connection.isClosing else { return }
        if let poll = connection.poll { release(poll) }
        write(connection, .refused(channel: join.topic.number, code: 503))
    }

    // MARK: Commands

    func subscribe(_ connection: SimulatedConnection, to channel: ChannelName, since: Position?) {
        guard !connection.isClosed, !connection.isClosing else { return }
        let isJoining = topics[channel]?.joins.contains { $0.slot == connection.slot } ?? false
        guard !isJoining, !isSubscribed(connection, to: channel) else {
            return write(connection, .refused(channel: simulation.number(of: channel), code: 409))
        }
        join(connection, [(channel, since)], isCommand: true)
    }

    func unsubscribe(_ connection: SimulatedConnection, from channel: ChannelName) {
        guard !connection.isClosed, !connection.isClosing else { return }
        let number = simulation.number(of: channel)
        guard let topic = topics[channel],
            unsubscribe(connection, from: topic) || cancelJoin(connection, of: topic)
        else { return write(connection, .refused(channel: number, code: 404)) }
        forgetSubscription(connection, to: channel)
        write(connection, .unsubscribed(channel: number))
    }
}
