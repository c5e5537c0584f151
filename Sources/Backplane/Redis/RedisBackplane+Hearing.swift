internal import Broker

// What is heard: publications, and what nodes say to each other.
extension RedisBackplane {
    func hear(_ channel: ChannelName, _ bytes: UnsafeRawBufferPointer) {
        if channel.isPattern { return hear(pattern: channel, bytes) }
        switch RedisMessage(bytes) {
        case .plain(let payload):
            delegate?.heard(classify(payload, nil), in: channel)
        case .publication(let position, let previous, let kind, let payload):
            let payload = kind.payload(payload, classify)
            delegate?.heard(Publication(position: position, previous: previous, payload: payload), in: channel)
        }
    }

    /// Anybody may publish anything; what is not of a channel that the pattern stands for is passed over.
    private func hear(pattern: ChannelName, _ bytes: UnsafeRawBufferPointer) {
        guard let (key, message) = RedisMessage.ofPattern(bytes), let channel = keys.channelName(key),
            pattern.stands(for: channel),
            case .publication(let position, let previous, let kind, let payload) = RedisMessage(message)
        else { return }
        let publication = Publication(
            position: position,
            previous: previous,
            payload: kind.payload(payload, classify)
        )
        delegate?.heard(publication, in: channel, by: pattern)
    }

    /// Takes what a node says to this one, or to all. What a later version may say is passed over.
    func obey(_ message: String) {
        switch RedisControlMessage(message) {
        case .taken(let session, let fence, let taking)?:
            if context.isClustered { return ask(RedisTaking(session: session, fence: fence, taking: taking)) }
            delegate?.taken(session, fence: fence, taking)
        case .ask(let call, let question)?: delegate?.asked(question, call)
        case .told(let number, let part)?: delegate?.replied(number, part)
        case .revoked(let revocation)?: delegate?.revoked([revocation])
        case nil: break
        }
    }
}
