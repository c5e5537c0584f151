internal import Backplane
internal import Broker
internal import Reactor
internal import Wire

// What a batch publishes: in its turn, once a backend has been asked where a rule says so.
extension EdgeReactor {
    func publish(
        _ data: [UInt8],
        to name: String,
        _ message: BayeuxMessage,
        _ place: Int,
        of batch: BayeuxBatch
    ) {
        guard let channel = ChannelName(name) else {
            return batch.reply(place, fault: .invalidChannel(message.channel ?? ""))
        }
        let who = credentials(of: batch)
        let decision = judge(.publish, channel, who)
        guard !channel.isSystem, decision != .refused else {
            return batch.reply(place, fault: .forbidden(message.channel ?? ""))
        }
        guard waitToPublish(data.count, batch.connection.slot, who) == nil else {
            return batch.reply(place, fault: .tooOften)
        }
        let payload = Payload(kind: .json, bytes: data)
        guard decision == .hook else { return publish(payload, to: channel, place, of: batch) }
        hold(batch)
        askToPublish(payload, to: channel, batch.connection.slot, who, transport: "bayeux") { edge, outcome in
            edge.goOn(behind: batch) {
                switch outcome {
                case .allowed(let answer): edge.publish(answer.data ?? payload, to: channel, place, of: batch)
                case .refused:
                    edge.metrics.forbidden.add()
                    batch.reply(place, fault: .forbidden(message.channel ?? ""))
                case .failed: batch.reply(place, fault: .unavailable)
                }
            }
        }
    }

    private func publish(_ payload: Payload, to channel: ChannelName, _ place: Int, of batch: BayeuxBatch) {
        batch.reply(place)
        batch.published.insert(channel)
        batch.underWay += 1
        metrics.publishes.add()
        ask(.publish(.bayeux(batch, place), channel)) {
            .publish(
                PublishRequest(
                    ticket: $0,
                    channel: channel,
                    payload: payload,
                    idempotencyKey: nil,
                    isKeyed: access.rules.isKeyed(channel),
                    history: access.rules.history(of: channel),
                    replicasMin: access.rules.replicasMin(for: channel)
                )
            )
        }
    }

    /// The backplane took a publication of a batch, or did not.
    func answerPublish(_ batch: BayeuxBatch, _ place: Int, isDone: Bool) {
        batch.underWay -= 1
        if !isDone { batch.fail(place, .publishFailed(batch.messages[place].channel ?? "")) }
        if batch.underWay == 0, batch.next == batch.messages.count { gather(batch) }
    }
}
