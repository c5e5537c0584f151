internal import Broker
internal import Reactor

// How many connections that read a user, or a backend's key, has on this node.
extension EdgeReactor {
    /// Keeps who a reader is, or forgets one that is gone; each counts among its user's connections.
    func keep(_ shown: Credentials?, of key: SlabKey) {
        let before = credentials[key].flatMap { MeteredUser($0) }
        credentials[key] = shown
        let after = shown.flatMap { MeteredUser($0) }
        guard before != after else { return }
        if let before { node.connectionsByUser.remove(before) }
        if let after { node.connectionsByUser.add(after) }
    }

    /// Whether somebody has as many connections that read as they may; if so, it is counted.
    func hasTooManyConnections(_ who: Credentials) -> Bool {
        guard let user = MeteredUser(who), node.connectionsByUser.count(of: user) >= limits.connectionsPerUserMax else {
            return false
        }
        metrics.overLimit(.connect, of: .user).add()
        return true
    }
}
