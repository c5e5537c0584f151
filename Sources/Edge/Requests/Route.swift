internal import Backplane
internal import Broker
internal import Wire

/// What a method does at a path, and what it needs. A class, for it is looked up with each request and never copied.
final class Route: Sendable {
    /// Where it is.
    enum Place: Sendable {
        case path(StaticString)
        /// `/channels/<name>`, and what stands behind that.
        case channel(ChannelResource)
        /// `/users/<name>`, `/sessions/<id>` and `/addresses/<address>`, and what stands behind that.
        case client(ClientResource)
        /// `/calls/<name>`
        case call
        /// Where Bayeux is mounted, and all below that.
        case bayeux
    }

    /// What is done there.
    enum Action: Sendable {
        case page(@Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void)
        case channel(
            @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ChannelName) throws(HTTPRejection) -> Void
        )
        case client(
            @Sendable (EdgeReactor, borrowing HTTPRequest, Exchange, ClusterQuestion.Subject)
                throws(HTTPRejection) -> Void
        )
        /// Takes the body while it is still being sent: the request has none yet.
        case body(@Sendable (EdgeReactor, borrowing HTTPRequest, Exchange) throws(HTTPRejection) -> Void)
    }

    let method: HTTPMethod
    let place: Place
    let action: Action

    /// What else there is to know of it.
    let traits: Traits

    struct Traits: OptionSet, Sendable {
        let rawValue: UInt8

        /// For any host: what tells how a node is does not ask by which name.
        static let isForAnyHost = Traits(rawValue: 1)
        /// Its answer may be a script that calls a function of the page that asks.
        static let hasScript = Traits(rawValue: 2)
        /// For whoever runs the cluster.
        static let isForOperators = Traits(rawValue: 4)
        /// Answered although the node takes nobody new: what is the same for everyone costs nothing, and operators need their page.
        static let isNoBurden = Traits(rawValue: 8)
    }

    init(method: HTTPMethod, place: Place, action: Action, _ traits: Traits = []) {
        self.method = method
        self.place = place
        self.action = action
        self.traits = traits
    }

    /// All there are; paths that are not here are not found, other methods are not allowed.
    static let all = readers + publishing + channels + services + operators + pages + files

    /// The same by path.
    static let byPath: [(path: StaticString, routes: [Route])] = all.reduce(into: []) { known, route in
        guard case .path(let path) = route.place else { return }
        if let place = known.firstIndex(where: { "\($0.path)" == "\(path)" }) {
            known[place].routes.append(route)
        } else {
            known.append((path, [route]))
        }
    }

    /// Where bodies are taken while they are still being sent.
    static let openBodyPaths = byPath.filter { $0.routes.contains(where: \.takesOpenBody) }.map(\.path)

    /// Where an answer may be a script.
    static let scriptPaths = byPath.filter { $0.routes.contains { $0.traits.contains(.hasScript) } }.map(\.path)

    /// The same by what is asked of a channel.
    static let ofChannels: [ChannelResource: [Route]] = all.reduce(into: [:]) { known, route in
        if case .channel(let resource) = route.place { known[resource, default: []].append(route) }
    }

    /// The same by what is asked of a client.
    static let ofClients: [ClientResource: [Route]] = all.reduce(into: [:]) { known, route in
        if case .client(let resource) = route.place { known[resource, default: []].append(route) }
    }

    /// The same for services.
    static let ofCalls = all.filter { if case .call = $0.place { true } else { false } }

    /// The same for Bayeux.
    static let ofBayeux = all.filter { if case .bayeux = $0.place { true } else { false } }

    /// Whether a method is this one. HEAD is answered as GET is, and without a body.
    func takes(_ method: HTTPMethod) -> Bool { method == self.method || method == .head && self.method == .get }

    /// Whether it takes its body while that is still being sent.
    var takesOpenBody: Bool { if case .body = action { true } else { false } }
}

extension Sequence where Element == Route {
    /// The methods of routes to one place, as `Allow` tells them.
    var allowedMethods: String {
        let all: [HTTPMethod] = [.get, .head, .post, .delete]
        return (all.filter { method in contains { $0.takes(method) } } + [.options]).map { "\($0.name)" }
            .joined(separator: ", ")
    }
}
