public import Broker
internal import Reactor

/// A question that was put to all nodes.
struct ClusterInquiry {
    let ticket: Ticket

    /// When it is answered with what is there.
    let dueTick: Tick

    /// How many nodes were asked; `nil` until that is known.
    var nodes: Int?

    /// How many have answered, and what.
    var answered = 0
    var sum = ClusterPart()

    var isComplete: Bool { nodes.map { answered >= $0 } ?? false }
}

/// What this node's reactors have to say to a node's question.
struct ClusterReply {
    var sum = ClusterPart()
    var reactorsLeft: Int
    let dueTick: Tick
}

// What whoever runs the cluster wants: a question to all nodes is put on a channel that all hear, and answered by each on the asker's own.
extension Uplink {
    func control(_ ticket: Ticket, _ request: ControlRequest) {
        guard backplane.isUp else { return controlled(ticket, .failure(.unavailable)) }
        switch request {
        case .ask(let question): ask(question, ticket)
        case .clear(let channel, let isKeyed): backplane.clear(channel, isKeyed: isKeyed, for: ticket)
        case .revoke(let revocation): backplane.revoke(revocation, for: ticket)
        case .list(let inventory): backplane.list(inventory, for: ticket)
        case .inspect(let session): backplane.inspect(session, for: ticket)
        case .end(let session): backplane.end(session, for: ticket)
        }
    }

    public func controlled(_ ticket: Ticket, _ answer: Result<ControlAnswer, BackplaneFailure>) {
        post(.controlled(ticket, answer), to: 1 << ticket.reactor)
    }

    public func revoked(_ revocations: [Revocation]) {
        guard !revocations.isEmpty else { return }
        post(.revoked(revocations), to: .max)
    }

    // MARK: Asking

    private func ask(_ question: ClusterQuestion, _ ticket: Ticket) {
        guard inquiries.count < limits.clusterQuestionsMax else {
            return controlled(ticket, .failure(.overloaded))
        }
        nextInquiry += 1
        let dueTick = seat.tick(afterMilliseconds: limits.clusterQuestionMilliseconds)
        inquiries[nextInquiry] = ClusterInquiry(ticket: ticket, dueTick: dueTick)
        metrics.clusterQuestions.add()
        backplane.ask(question, number: nextInquiry)
    }

    public func announced(_ number: UInt64, _ nodes: Result<Int, BackplaneFailure>) {
        switch nodes {
        case .success(let count):
            inquiries[number]?.nodes = count
            finish(number, isDue: false)
        case .failure(let failure):
            guard let inquiry = inquiries.removeValue(forKey: number) else { return }
            controlled(inquiry.ticket, .failure(failure))
        }
    }

    public func replied(_ number: UInt64, _ part: ClusterPart) {
        guard inquiries[number] != nil else { return }
        inquiries[number]?.answered += 1
        inquiries[number]?.sum.add(part, bytesMax: limits.clusterAnswerBytesMax)
        finish(number, isDue: false)
    }

    /// Answers with what there is, once that is all there will be.
    private func finish(_ number: UInt64, isDue: Bool) {
        guard let inquiry = inquiries[number], isDue || inquiry.isComplete else { return }
        inquiries[number] = nil
        if !inquiry.isComplete { metrics.clusterQuestionsIncomplete.add() }
        controlled(inquiry.ticket, .success(.asked(inquiry.sum, isComplete: inquiry.isComplete)))
    }

    func giveUpInquiries(_ tick: Tick) {
        for (number, inquiry) in inquiries where inquiry.dueTick.isReached(by: tick) { finish(number, isDue: true) }
        for (call, reply) in replies where reply.dueTick.isReached(by: tick) { replies[call] = nil }
    }

    // MARK: Answering

    public func asked(_ question: ClusterQuestion, _ call: ClusterCall) {
        // A node that asks more than it may gets no answer from this one, and says that its own is not complete.
        guard replies.count < Self.repliesMax else { return }
        let dueTick = seat.tick(afterMilliseconds: limits.clusterQuestionMilliseconds)
        replies[call] = ClusterReply(reactorsLeft: reports.count, dueTick: dueTick)
        post(.asked(question, call), to: .max)
    }

    /// Questions of all nodes that are looked at here at one time: an entry of some 100 bytes each, and what is known.
    private static let repliesMax = 1_024

    func reply(_ part: ClusterPart, to call: ClusterCall) {
        guard replies[call] != nil else { return }
        replies[call]?.sum.add(part, bytesMax: limits.clusterAnswerBytesMax)
        replies[call]?.reactorsLeft -= 1
        guard let reply = replies[call], reply.reactorsLeft == 0 else { return }
        replies[call] = nil
        backplane.reply(reply.sum, to: call)
    }

    // MARK: Sessions

    /// Ends the session of a connection that has it.
    func end(_ id: SessionID, _ holder: SessionHolder) {
        guard let session = sessions[id], session.holder == holder else { return }
        write(id, session, .ended, [])
        forget(id)
    }
}
