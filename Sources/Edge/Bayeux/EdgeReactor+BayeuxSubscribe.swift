internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What a batch subscribes to, and where its client stands there from now on.
extension EdgeReactor {
    /// Notes where a client stands in channels that it has from now on: only then is what follows in the batch looked at, for
    /// what that publishes is to reach it.
    func subscribe(to subscriptions: [BayeuxMessage.Subscription], _ place: Int, of batch: BayeuxBatch) {
        // What a session cannot have is not asked about.
        let begunCount = batch.changes.count { $0.position != nil } + subscriptions.count
        guard begunCount <= limits.channelsPerConnectionMax,
            batch.changes.count + subscriptions.count <= Self.changesPerBatchMax
        else { return batch.reply(place, fault: .tooMany(batch.messages[place].channel ?? "")) }
        guard waitToSubscribe(subscriptions.count, batch.connection.slot, credentials(of: batch)) == nil else {
            return batch.reply(place, fault: .tooOften)
        }
        batch.reply(place)
        let who = credentials(of: batch)
        var asked: [ChannelName] = []
        for each in subscriptions {
            guard let channel = ChannelName(each.name) else {
                return batch.fail(place, .invalidChannel(batch.messages[place].channel ?? ""))
            }
            switch judge(.subscribe, channel, who) {
            case .allowed: break
            case .refused: return batch.fail(place, .forbidden(batch.messages[place].channel ?? ""))
            case .hook: asked.append(channel)
            }
        }
        guard !asked.isEmpty else { return subscribeAllowed(to: subscriptions, place, of: batch) }
        hold(batch)
        askAbout(asked, .subscribe, batch.connection.slot, who, transport: "bayeux") { edge, refused in
            edge.goOn(behind: batch) {
                if refused.isEmpty { return edge.subscribeAllowed(to: subscriptions, place, of: batch) }
                let isRefused = refused.values.contains(403)
                batch.fail(place, isRefused ? .forbidden(batch.messages[place].channel ?? "") : .unavailable)
            }
        }
    }

    private func subscribeAllowed(to subscriptions: [BayeuxMessage.Subscription], _ place: Int, of batch: BayeuxBatch) {
        var heads: [ChannelName] = []
        for each in subscriptions {
            guard let channel = ChannelName(each.name) else { continue }
            switch each.replay {
            case .all: restart(channel, at: .start, batch)
            case .after(let position):
                restart(channel, at: Position(milliseconds: position.milliseconds, sequence: position.sequence), batch)
            case .new, nil: heads.append(channel)
            }
        }
        noteHeads(of: heads, place, batch)
    }

    /// Asks where channels stand that a client has from now on.
    func noteHeads(of heads: [ChannelName], _ place: Int, _ batch: BayeuxBatch) {
        for channel in heads {
            // A pattern stands where the backplane's clock does.
            if !channel.isPattern, let head = hub.head(of: channel) {
                batch.changes.append(SessionPosition(channel, head))
                continue
            }
            countChannelChange(batch.connection.slot)
            batch.underWay += 1
            batch.headsUnderWay += 1
            ask(.head(batch, place, channel)) { .history($0, channel, since: nil, limit: 0) }
        }
    }

    /// Subscriptions that one batch begins or ends: each is looked for among those that there are.
    static let changesPerBatchMax = 1_024

    private func restart(_ channel: ChannelName, at position: Position, _ batch: BayeuxBatch) {
        batch.restarts = true
        batch.changes.append(SessionPosition(channel, position))
    }

    /// Where a channel stands that a client is to have from now on.
    func answerHead(
        _ batch: BayeuxBatch,
        _ place: Int,
        _ channel: ChannelName,
        _ outcome: Result<HistoryPage, BackplaneFailure>
    ) {
        batch.underWay -= 1
        batch.headsUnderWay -= 1
        guard isWaitedFor(batch) else { return }
        switch outcome {
        case .success(let page): batch.changes.append(SessionPosition(channel, page.head))
        case .failure: batch.fail(place, .unavailable)
        }
        if !batch.isHeld { goOn(batch) }
    }
}
