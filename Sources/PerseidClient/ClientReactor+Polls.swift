internal import Broker

// A link that is one question after the other.
extension ClientReactor {
    func poll(_ plan: LinkPlan) {
        let address = configuration.addresses[plan.addressIndex]
        let milliseconds = plan.isImmediate ? options.openMilliseconds : LinkState.heartbeatSeconds * 1_500
        var isAnswered = false
        let id = desk.ask([address], milliseconds: milliseconds) { address, output in
            LinkRequest.append(plan, to: address, key: "", output: &output)
        } complete: { [unowned self] outcome in
            isAnswered = true
            link = nil
            tookPoll(outcome)
            perform()
        }
        if !isAnswered { link = .poll(id) }
    }

    private func tookPoll(_ outcome: AskOutcome) {
        let now = space.now
        switch outcome {
        case .failure(let failure): connection.end(.lost(failure.error), now: now)
        case .success(let answer) where answer.head.status != 200:
            connection.end(.refused(PerseidError(answer.head, body: answer.body)), now: now)
        case .success(let answer):
            do throws(PerseidError) {
                try take(answer, now: now)
                isPollDue = true
                if !isPaused { pollAgain() }
            } catch {
                connection.end(.blocked(error), now: now)
            }
        }
    }

    private func take(_ answer: AskAnswer, now: UInt64) throws(PerseidError) {
        let read = answer.body.withUnsafeBytes { bytes in
            Result { () throws(PerseidError) in try PollAnswer(bytes) }
        }
        let told = try read.get()
        let isFirst = connection.link?.isOpen == false
        connection.heardSomething(now: now)
        if isFirst {
            let welcome = ServerMessage.welcome(
                session: answer.head["perseid-session"],
                node: nil,
                heartbeatSeconds: nil
            )
            connection.hear(welcome, now: now)
        }
        for message in told.messages { connection.hear(message, now: now) }
        if let cursor = told.cursor { connection.take(cursor) }
        guard isFirst, let channels = connection.link?.channels else { return }
        for channel in channels { connection.hear(.subscribed(channel, nil, isRecovered: told.isRecovered), now: now) }
    }

    func pollAgain() {
        perform()
        guard isPollDue, link == nil, let plan = connection.plan(with: shownToken), !plan.transport.isStream else {
            return
        }
        isPollDue = false
        poll(plan)
    }
}
