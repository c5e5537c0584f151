import Broker
import Hub

@testable import Backplane

extension Simulation {
    /// Turns after which everything must have come to rest: 50 ms each, and so longer than it takes to renew each session.
    private static let turnsMax = 2_000

    /// Faults stop, one more publication in each channel shows what was lost last, and everybody comes to stand at the
    /// heads.
    func settle() throws {
        scenario.calm()
        if nodes.isEmpty { try startNode() }
        for node in nodes { node.backplane.thaw() }
        for _ in 0..<60 where verifier.violations.isEmpty { advance() }
        for channel in channels {
            _ = master(of: channel).publish(makePayload(for: channel), to: channel, key: nil, historyCount: 100)
        }
        for _ in 0..<Self.turnsMax where verifier.violations.isEmpty {
            advance()
            guard isAtRest else { continue }
            checkValues()
            // A compressed one tells its checksum then.
            for client in clients { client.endStream() }
            return
        }
        guard verifier.violations.isEmpty else { return }
        let isAtRest = clients.allSatisfy(\.isAtRest) && watchers.allSatisfy(\.isAtRest)
        if isAtRest, falselyHeld.isEmpty, !falselyPresent.isEmpty {
            verifier.fail(.presence, "not at rest: \(falselyPresent)")
        } else if isAtRest {
            verifier.fail(.ownership, "not at rest: \(falselyHeld)")
        } else {
            verifier.fail(.rest, "not at rest: \(restless)")
        }
    }

    /// Of each key of a keyed channel each of its readers has the value that Redis has.
    private func checkValues() {
        for channel in channels where isKeyed(channel) {
            let kept = master(of: channel).keys.streams[channel]?.entries ?? []
            for client in clients where client.wanted.contains(channel) {
                let wrong = kept.filter { !client.has($0, in: channel) }.map(\.payload.number)
                verifier.expect(
                    wrong.isEmpty,
                    .values,
                    "client \(client.number) has others than \(wrong) of \(channel)"
                )
            }
        }
    }

    private func advance() {
        schedule.advance(by: 50)
        turn()
    }

    private var isAtRest: Bool {
        clients.allSatisfy(\.isAtRest) && watchers.allSatisfy(\.isAtRest) && nodes.allSatisfy(\.isIdle)
            && falselyHeld.isEmpty && falselyPresent.isEmpty
    }

    private var restless: String {
        let waiting = clients.filter { !$0.isAtRest }.map { client in
            "client \(client.number) wants \(client.wanted) and has \(client.standings.mapValues { "\($0.state) \($0.reached.map { "\($0)" } ?? "-")" })"
        }
        let busy = nodes.filter { !$0.isIdle }.map(\.name)
        let watching = watchers.filter { !$0.isAtRest }.map(\.text)
        let heads = channels.map { "\($0)@\(head(of: $0))" }
        return "\(waiting) \(watching) \(busy) \(heads)"
    }

    /// Who reads the channel that tells who is there is present, as its node's; and nobody is who is gone, but for sessions that
    /// can be resumed.
    private var falselyPresent: [String] {
        var found: [String] = []
        var absent = master(of: presentChannel).members(of: presentChannel)
        for client in clients {
            guard let connection = client.connection, !client.isPolling,
                client.standings[number(of: presentChannel)]?.state == .subscribed
            else { continue }
            let member = connection.edge.member(connection)
            let present = absent.removeValue(forKey: member)
            if present?.node != connection.edge.nodeName {
                found.append(
                    "client \(client.number) on \(connection.edge.nodeName) is present on \(present?.node ?? "-")"
                )
            }
        }
        let known = masters.flatMap(\.keys.sessions.keys)
        let sessions = Set(known.compactMap(token(of:)).map { MemberID(UInt64($0)) })
        for member in absent.keys where !sessions.contains(member) { found.append("\(member) is gone and present") }
        return found
    }

    /// I9: at most one node holds a session, by its newest fence, and a connection that believes to have one has it.
    private var falselyHeld: [String] {
        var found: [String] = []
        for (id, record) in masters.flatMap(\.keys.sessions) {
            for node in nodes {
                guard let held = node.uplink.sessions[id], held.fence < record.fence || record.node != node.name else {
                    continue
                }
                found.append("\(node.name) holds \(id) by \(held.fence), \(record.node ?? "-") by \(record.fence)")
            }
        }
        for edge in nodes.flatMap(\.edges) {
            for connection in edge.connections where !connection.isClosed {
                guard let id = connection.client.pointee.session?.id,
                    edge.node.uplink.sessions[id]?.holder != edge.holder(connection)
                else { continue }
                found.append("\(connection.slot.number) of \(edge.name) believes to have \(id)")
            }
        }
        return found
    }
}
