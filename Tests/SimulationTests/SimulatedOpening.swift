import Broker
import Hub
import Wire

/// A client's token: the name of a session and the hash of its secret.
struct SimulatedToken {
    let number: Int
    let id: SessionID
    let secret: SecretHash
}

/// A request for a connection: its channels, where the client stands in them, and its session.
struct SimulatedOpening {
    enum Session {
        case none
        case new(SimulatedToken)
        case known(SimulatedToken)
    }

    let carrier: CarrierID
    let channels: [ChannelName]
    let cursor: [ChannelName: Position]
    var session: Session
    /// Whether the client says that this node had its session last.
    var isAffine = false

    /// What its client can inflate.
    var form = Encoding.Form.plain(isChunked: false)

    /// How often it wants to be told.
    var pace = Pace.any

    var encoding: Encoding { Encoding(carrier, .perseid, form) }

    /// The same of what is not compressed.
    var plainEncoding: Encoding { encoding.unchunked }

    var token: SimulatedToken? {
        switch session {
        case .none: nil
        case .new(let token), .known(let token): token
        }
    }

    /// The same with the session that it got.
    func with(_ token: SimulatedToken?) -> SimulatedOpening {
        var opening = self
        opening.session = token.map { .known($0) } ?? .none
        return opening
    }

    /// The channels together with those of a session that is resumed, sorted. (See Edge/SubscriptionPlan.swift.)
    func channels(with known: [SessionPosition]) -> [(name: ChannelName, since: Position?)] {
        var all = channels.map { name in
            (name: name, since: cursor[name] ?? known.first { $0.channel == name }?.position)
        }
        for each in known where !channels.contains(each.channel) {
            all.append((each.channel, cursor[each.channel] ?? each.position))
        }
        return all.sorted { $0.name.text < $1.name.text }
    }
}
