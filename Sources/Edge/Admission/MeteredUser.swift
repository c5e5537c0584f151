internal import Broker

/// Whom a limit of users is for.
struct MeteredUser: Hashable {
    private let isKey: Bool
    private let name: String

    /// A backend's key, or else the user that a token names; `nil` for nobody.
    init?(_ who: Credentials) {
        guard let name = who.key?.name ?? who.identity?.user else { return nil }
        (isKey, self.name) = (who.key != nil, name)
    }

    /// The same name on all nodes.
    var text: String { (isKey ? "key:" : "user:") + name }
}
