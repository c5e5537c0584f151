public import Broker

// Each session is at one master, by its own key.
extension RedisBackplane {
    public func grant(_ request: SessionRequest) { ask(RedisGrant(request: request)) }

    public func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    ) {
        ask(
            RedisSave(
                session: session,
                fence: fence,
                standing: standing,
                positions: positions,
                notes: notes,
                ticket: ticket
            )
        )
    }

    public func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket) {
        ask(RedisTouch(session: session, secret: secret, ticket: ticket))
    }

    public func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        ask(RedisRestore(session: session, secret: secret, fence: fence))
    }

    public func inspect(_ session: SessionID, for ticket: Ticket) {
        ask(RedisInspectSession(session: session, ticket: ticket))
    }

    public func end(_ session: SessionID, for ticket: Ticket) {
        ask(RedisEndSession(session: session, ticket: ticket))
    }
}
