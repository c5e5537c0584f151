internal import Broker

/// What a request shows of who its client is.
struct Credentials {
    /// Who that is, by a token that was verified.
    var identity: Identity?

    /// The node's API key that it shows.
    var key: APIKey?

    static let none = Credentials()
}
