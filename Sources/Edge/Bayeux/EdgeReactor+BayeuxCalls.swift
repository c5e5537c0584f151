internal import Broker
internal import Reactor
internal import Wire

// Service channels: what is sent there is asked of a backend.
extension EdgeReactor {
    /// Asks a service, whose answer is delivered in its channel to who asked.
    func call(_ name: String, _ data: [UInt8]?, _ message: BayeuxMessage, _ place: Int, of batch: BayeuxBatch) {
        let who = credentials(of: batch)
        guard access.hooks.contains(.call), let channel = ChannelName(name) else {
            return batch.reply(place, fault: .unknownChannel(message.channel ?? ""))
        }
        guard judge(.call, channel, who) != .refused else {
            return batch.reply(place, fault: .forbidden(message.channel ?? ""))
        }
        guard wait(for: .call, batch.connection.slot, who) == nil else { return batch.reply(place, fault: .tooOften) }
        let payload = data.map { Payload(kind: .json, bytes: $0) }
        batch.underWay += 1
        let body = makeCall(channel, payload, batch.connection.slot, who, transport: "bayeux")
        ask(.call, body) { edge, outcome in
            batch.underWay -= 1
            guard edge.isWaitedFor(batch) else { return }
            switch outcome {
            case .allowed(let answer):
                batch.reply(place)
                batch.deliver(answer.json, inAnswerTo: message)
            case .refused(let refusal): batch.reply(place, fault: BayeuxFault(refusal.code, refusal.message))
            case .failed: batch.reply(place, fault: .unavailable)
            }
            if batch.underWay == 0, batch.next == batch.messages.count { edge.goOn(batch) }
        }
    }
}

extension BayeuxBatch {
    /// Delivers what a service answers, with the id of the message that asked: some clients look for that.
    fileprivate func deliver(_ json: [UInt8], inAnswerTo message: BayeuxMessage) {
        if !deliveries.isEmpty { deliveries.append(",") }
        deliveries.append("{\"channel\":")
        deliveries.appendJSONString(message.channel ?? "")
        if let id = message.id {
            deliveries.append(",\"id\":")
            deliveries.append(id)
        }
        deliveries.append(",\"data\":")
        deliveries.append(json)
        deliveries.append("}")
    }
}
