public import Broker
internal import Reactor

/// A member of a channel as its node knows it.
struct PresentMember {
    let transport: String

    /// What others may see of who it is; see `Member`.
    let details: [UInt8]

    /// The connection it came by; `nil` while its session waits to be resumed.
    var holder: SessionHolder?

    /// Then: when it is given up.
    var lingersUntilTick: Tick = .start
}

/// Members of a channel whose leases are renewed with one request.
struct MemberBatch {
    let channel: ChannelName
    let members: [MemberID]
}

// Who of this node is present where. The backplane has the leases; here is what must be renewed.
extension Uplink {
    /// Renewals of one channel in one request: some 15 KB, a millisecond of Redis.
    private static let renewalBatchCount = 500

    /// Renewals of all channels in one turn: a millisecond.
    private static let renewalsPerTurnMax = 2_000

    /// A connection whose session another has by now comes too late: it would be the member's own, and take it away as it leaves.
    func enter(_ name: ChannelName, _ id: MemberID, _ member: PresentMember, of session: SessionID?) {
        if let session, let other = sessions[session]?.holder, other != member.holder { return }
        let known = presence[name]?[id]
        presence[name, default: [:]][id] = member
        // A client that polls comes and goes all the time; its lease goes on.
        if known?.transport != member.transport || known?.details != member.details { tell(of: member, id, in: name) }
        if known == nil { metrics.members.add() }
    }

    private func tell(of member: PresentMember, _ id: MemberID, in name: ChannelName) {
        backplane.enter(name, id, transport: member.transport, details: member.details)
    }

    /// A connection that no longer is the member's own has nothing to say.
    func leave(_ name: ChannelName, _ id: MemberID, _ holder: SessionHolder, _ departure: Departure) {
        guard presence[name]?[id]?.holder == holder else { return }
        switch departure {
        case .lost:
            presence[name]?[id]?.holder = nil
            presence[name]?[id]?.lingersUntilTick = seat.tick(afterMilliseconds: limits.resumeMilliseconds)
        case .taken: remove(name, id)
        case .clean:
            remove(name, id)
            backplane.leave(name, id)
        }
    }

    public func listed(_ ticket: Ticket, _ list: Result<PresenceList, BackplaneFailure>) {
        post(.presence(ticket, list), to: 1 << ticket.reactor)
    }

    /// Gives up members that came to another node. One that is connected here has come back since. What the backplane lost it is told.
    public func renewed(_ name: ChannelName, lost: [MemberID], missing: [MemberID]) {
        for id in lost {
            guard let member = presence[name]?[id] else { continue }
            if member.holder == nil { remove(name, id) } else { tell(of: member, id, in: name) }
        }
        for id in missing {
            if let member = presence[name]?[id] { tell(of: member, id, in: name) }
        }
    }

    private func remove(_ name: ChannelName, _ id: MemberID) {
        guard presence[name]?.removeValue(forKey: id) != nil else { return }
        if presence[name]?.isEmpty == true { presence[name] = nil }
        metrics.members.add(-1)
    }

    /// Renews the leases of all members within a third of their length, and has lapsed ones ended in the channels whose
    /// presence somebody here listens to.
    func renewPresence(_ tick: Tick) {
        guard backplane.isUp else { return }
        if membersToRenew.isEmpty { noteMembersToRenew(tick) }
        goOnRenewingPresence()
    }

    private func noteMembersToRenew(_ tick: Tick) {
        let due = presenceRenewals.next(tick, within: limits.presenceLeaseMilliseconds / 3, seat: seat) {
            Array(Set(presence.keys).union(channels.values.compactMap(\.name.presenceSubject)))
        }
        for name in due {
            endLingering(in: name, tick)
            let members = Array((presence[name] ?? [:]).keys)
            for start in stride(from: 0, through: members.count, by: Self.renewalBatchCount) {
                let batch = members[start..<min(start + Self.renewalBatchCount, members.count)]
                guard start == 0 || !batch.isEmpty else { continue }
                membersToRenew.append(MemberBatch(channel: name, members: Array(batch)))
            }
        }
    }

    func goOnRenewingPresence() {
        var left = Self.renewalsPerTurnMax
        for _ in 0..<Self.slice {
            guard left > 0, backplane.isUp, backplane.hasRoom, let batch = membersToRenew.popLast() else { return }
            // Who has left meanwhile has no lease.
            let members = batch.members.compactMap { id in
                presence[batch.channel]?[id].map { (id: id, transport: $0.transport) }
            }
            backplane.renew(batch.channel, members)
            left -= batch.members.count
        }
    }

    /// Gives up members whose sessions nobody resumed.
    private func endLingering(in name: ChannelName, _ tick: Tick) {
        for (id, member) in presence[name] ?? [:]
        where member.holder == nil && member.lingersUntilTick.isReached(by: tick) {
            remove(name, id)
            backplane.leave(name, id)
        }
    }
}
