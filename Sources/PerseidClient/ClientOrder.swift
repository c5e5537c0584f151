internal import Broker

/// What other threads tell a client's thread.
enum ClientOrder: Sendable {
    case subscribe(UInt64, [ChannelName], since: [ChannelName: Broker.Position], Mailbox)
    case unsubscribe(UInt64)
    /// A loop that was too slow has taken half of what waited.
    case drained
    /// A line for `POST /publish`, and for how long it is tried.
    case publish([UInt8], Promise<PublicationAnswer>, milliseconds: UInt64)
    /// A question by GET.
    case ask(String, Promise<[UInt8]>)
    /// What a provider of tokens said.
    case token(Result<String, PerseidError>)
    /// The last one.
    case close

    /// Whether nothing is to follow it.
    var isLast: Bool {
        if case .close = self { true } else { false }
    }

    /// Tells who gave it that there is nobody to do it.
    func fail(_ error: PerseidError) {
        switch self {
        case .subscribe(_, _, _, let mailbox): mailbox.finish(error)
        case .publish(_, let promise, _): promise.resolve(.failure(error))
        case .ask(_, let promise): promise.resolve(.failure(error))
        case .unsubscribe, .drained, .token, .close: break
        }
    }
}
