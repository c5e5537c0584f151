internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Text
internal import Wire

// What is done to many readers goes on with each turn, behind what was to be done before it.
extension EdgeReactor {
    /// Takes a question of a node; it is answered once all connections were looked at.
    func take(_ question: ClusterQuestion, _ call: ClusterCall) {
        errands.append(ReaderErrand(.question(question, call), slotCount: connections.slotCount))
    }

    /// Has all readers looked at whose tokens may not be good any more.
    func judgeIdentities() {
        let isUnderWay = errands.first { if case .identities = $0.purpose { true } else { false } }
        if let isUnderWay { return isUnderWay.renew(slotCount: connections.slotCount) }
        errands.append(ReaderErrand(.identities, slotCount: connections.slotCount))
    }

    /// Goes on with them, for as much as one turn has. Says whether something is left.
    func runErrands() -> Bool {
        guard !errands.isEmpty else { return false }
        metrics.errandTurns.add()
        var budget = ReaderErrand.Budget()
        while budget.isLeft, let errand = errands.first {
            while budget.isLeft, !errand.isOver {
                budget.look()
                if visit(errand.step(slotCount: connections.slotCount), for: errand) { budget.act() }
            }
            if errand.isOver { finish(errands.removeFirst()) }
        }
        return !errands.isEmpty
    }

    private func finish(_ errand: ReaderErrand) {
        guard case .question(_, let call) = errand.purpose else { return }
        uplink.post(.reply(call, ClusterPart(count: errand.count, items: Array(errand.items.bytes))))
    }

    /// Does what is to be done to one connection, if it is one of those; says whether it was.
    private func visit(_ slot: Slot, for errand: ReaderErrand) -> Bool {
        guard connections.isLive(slot), connections[live: slot].pointee.isOpen else { return false }
        switch errand.purpose {
        case .identities: return endIdentity(of: slot)
        case .question(let question, _):
            guard isSubject(slot, of: question.subject) else { return false }
            if act(on: slot, question.act, &errand.items) { errand.count += 1 }
            // There is one at most.
            if case .session = question.subject { errand.end() }
            return true
        }
    }

    /// Whether it is told what is published, by whatever transport; others ask, are answered and are no clients of any channel.
    private func isReader(_ slot: Slot) -> Bool {
        connections[live: slot].pointee.client.encoding != nil
            || pollAskers[connections.key(ofLive: slot).client] != nil
    }

    private func isSubject(_ slot: Slot, of subject: ClusterQuestion.Subject) -> Bool {
        switch subject {
        case .user(let name): identity(of: slot)?.user == name
        case .session(let id): connections[live: slot].pointee.client.session?.id == id
        case .address(let address): isReader(slot) && self.address(of: slot) == address
        }
    }
}
