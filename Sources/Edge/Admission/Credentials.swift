internal import Broker

/// What a request shows of who its client is.
struct Credentials {
    /// Who that is, by a token that was verified.
    let identity: Identity?

    /// Whether it shows one of the node's API keys.
    let showsKey: Bool

    static let none = Credentials(identity: nil, showsKey: false)
}
