import Broker
import Wire

extension Simulation {
    private enum Act: CaseIterable {
        case publish
        case publishToRedis
        case burst
        case publishEphemeral
        case toggle
        case move
        case watch
        case intrude
        case replicate
        case loseLink
        case freeze
        case failOver
        case flush
        case trim
        case stall
        case replace
        case crash
        case start
        case nothing
    }

    private func weight(of act: Act) -> Int {
        switch act {
        case .publish: 14
        case .publishToRedis: 6
        case .burst: 1
        case .publishEphemeral: 1
        case .toggle: 2
        case .move: scenario.moveWeight
        case .watch: scenario.watchWeight
        case .intrude: 1
        case .replicate: 8
        case .loseLink: scenario.linkLossWeight
        case .freeze: scenario.freezeWeight
        case .failOver: scenario.failOverWeight
        case .flush: scenario.flushWeight
        case .trim: scenario.trimWeight
        case .stall: scenario.stallWeight
        case .replace: scenario.replaceWeight
        case .crash: nodes.count > 0 ? scenario.crashWeight : 0
        case .start: nodes.count < scenario.nodeCount ? 6 : 0
        case .nothing: 10
        }
    }

    /// One thing happens that nobody of those who are simulated decides.
    func act() throws {
        var left = random.number(0...Act.allCases.reduce(-1) { $0 + weight(of: $1) })
        for act in Act.allCases {
            left -= weight(of: act)
            if left < 0 { return try perform(act) }
        }
    }

    private func perform(_ act: Act) throws {
        let channel = random.element(of: channels)!
        let node = random.element(of: nodes)
        switch act {
        case .publish: publish(to: channel, key: random.once(in: 3) ? "key \(random.number(0...1_000_000))" : nil)
        case .publishToRedis: publishToRedis(channel)
        case .burst: for _ in 0..<random.number(5...20) { publishToRedis(channel) }
        case .publishEphemeral: master(of: channel).publishEphemeral(makePayload(for: channel), to: channel)
        case .toggle: random.element(of: clients)!.toggle(channel)
        case .move:
            if let client = random.element(of: clients), let connection = client.connection { client.leave(connection) }
        case .watch: watch()
        case .intrude: intrude()
        case .replicate: anyMaster.replicate()
        case .loseLink: node?.backplane.loseOneLink()
        case .freeze: node?.backplane.freeze(milliseconds: random.number(50...3_000))
        case .failOver: anyMaster.failOver()
        case .flush: anyMaster.flush()
        case .trim: master(of: channel).trim(channel, count: random.number(1...10))
        case .stall: anyMaster.stall(milliseconds: random.number(50...2_000))
        case .replace: anyMaster.failOver(leavesFormer: true)
        case .crash: endNode(inOrder: random.once(in: 3))
        case .start: try startNode()
        case .nothing: break
        }
    }

    private func publishToRedis(_ channel: ChannelName) {
        let redis = master(of: channel)
        if redis.isAway { return }
        let count = scenario.limits.historyCountMax
        _ = redis.publish(makePayload(for: channel), to: channel, key: nil, historyCount: count)
    }

    /// A watcher comes or goes.
    private func watch() {
        if watchers.count > random.number(0...2), let place = watchers.indices.last {
            let connection = watchers.remove(at: random.number(0...place)).connection
            return schedule.after(random.number(0...500)) { connection.edge.close(connection) }
        }
        guard let node = random.element(of: nodes), let edge = random.element(of: node.edges) else { return }
        watchers.append(SimulatedWatcher(self, on: edge))
    }

    /// Someone who knows a session's name tries its secret.
    private func intrude() {
        guard let victim = random.element(of: clients)?.token, let node = random.element(of: nodes),
            let edge = random.element(of: node.edges)
        else { return }
        let connection = edge.accept()
        let guess = SimulatedToken(
            number: victim.number,
            id: victim.id,
            secret: SecretHash([UInt8](repeating: 1, count: 32))
        )
        let opening = SimulatedOpening(carrier: .webSocket, channels: [], cursor: [:], session: .known(guess))
        edge.open(connection, opening)
        schedule.after(500) { edge.close(connection) }
    }
}
