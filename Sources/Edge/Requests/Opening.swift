internal import Broker
internal import Hub
internal import Wire

/// A request for a WebSocket, a stream or a poll, while its session is asked for.
struct Opening {
    enum Use {
        case webSocket(WebSocketHandshake.Agreement)
        case stream(CarrierID, Carrier.Wishes)
        /// Held for so long, at most.
        case poll(CarrierID, milliseconds: UInt64)

        var isPoll: Bool { if case .poll = self { true } else { false } }

        /// Only a WebSocket has commands.
        var maySubscribeLater: Bool { if case .webSocket = self { true } else { false } }
    }

    let use: Use
    var plan: SubscriptionPlan

    /// The request, and how it is answered.
    var exchange: Exchange

    /// Whether the load balancer is told which node has the session: it does not know, or knows another.
    let offersCookie: Bool

    /// The token of its session: drawn here, or shown by the client. `nil` without a session.
    var token: SessionToken?

    /// What its client wants the whole of its answer compressed as, and what it is.
    var acceptedCoding: ContentCoding?
    var contentCoding: ContentCoding?

    /// What the backend is told of its request, while it is to be asked whether this may be.
    var connectFields: [UInt8]?
}

extension Opening {
    /// What it is called.
    var transport: String { plan.dialect == .bayeux ? "bayeux" : "\(encoding.carrier.carrier.name)" }

    /// Whether it is a poll of a client that came before.
    var isLaterPoll: Bool { if case .known = plan.session { use.isPoll } else { false } }

    /// What its client is sent.
    var encoding: Encoding {
        let isChunked = carrier.traits.contains(.isStream) && !exchange.form.contains(.endsByClosing)
        if let contentCoding { return Encoding(carrier, plan.dialect, .body(contentCoding, isChunked: isChunked)) }
        if case .webSocket(let agreement) = use, let deflate = agreement.deflate {
            return Encoding(carrier, plan.dialect, deflate.form)
        }
        return Encoding(carrier, plan.dialect, isChunked: isChunked)
    }

    private var carrier: CarrierID {
        switch use {
        case .webSocket: .webSocket
        case .stream(let carrier, _), .poll(let carrier, _): carrier
        }
    }
}
