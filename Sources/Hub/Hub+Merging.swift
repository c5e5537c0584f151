internal import Broker

// Slow readers of the policy `merge`: one that lacks more than its window leaves the log, which keeps nothing for it any more. Once its
// connection takes bytes again, what it missed is read from history, in a keyed channel only the newest of each key, and it reads on
// behind that. While it stands still it costs a few hundred bytes, however much is published.
extension Hub {
    func beginMerging(_ member: SubscriptionSlot, of log: FanoutLog) {
        guard let feed = feeds[log] else { return }
        metrics.merges.add()
        let slot = subscriptions[member].pointee.client
        let client = outlet.client(at: slot)
        var offset = subscriptions[member].pointee.offset
        if client.pointee.unfinished == member {
            offset = log.frameEnd(at: offset)
            finishFrame(slot)
        }
        // Of what it is not sent it has no checksum.
        if client.pointee.contentCoding != nil { bodySums.lose(slot) }
        let topic = feed.topics[0]
        let told = log.position(upTo: offset)
        let position = feed.pacer(of: topic)?.position(ofAhead: member).map { max($0, told) } ?? told
        let join = Join(goingOnIn: topic, since: position, client: outlet.id(of: slot), pace: feed.kind.pace)
        // Before its subscription ends, for this keeps the channel open.
        topic.telling[join.client] = join.parts[0]
        client.pointee.joinCount += 1
        joins.list(join)
        if let subscription = take(feed, from: slot) {
            remove(subscription, from: feed)
            client.pointee.subscriptionCount -= 1
        }
        let outbox = client.pointee.outbox ?? Outbox(held)
        outbox.append(Replay(behind: SessionPosition(topic.name, position), continuation: join))
        client.pointee.outbox = outbox
    }
}
