internal import Broker
internal import Reactor
internal import Wire

// Who may publish: whoever shows one of the node's keys.
extension EdgeReactor {
    /// Whether a request may publish in some channel. Without keys and rules, reaching the port is enough; by rules each channel is
    /// judged by itself.
    func mayPublish(_ credentials: Credentials) -> Bool {
        !access.rules.isEmpty || access.apiKeys.isEmpty || credentials.showsKey
    }

    /// What a request shows in `Authorization: Bearer`.
    func bearer(_ request: borrowing HTTPRequest) -> String? {
        guard let text = request.text(of: .authorization), text.utf8.count > 7,
            text.utf8.prefix(7).elementsEqual("Bearer ".utf8) || text.prefix(7).lowercased() == "bearer "
        else { return nil }
        return String(text.dropFirst(7))
    }

    /// Whether a request shows one of the node's keys.
    func showsKey(_ request: borrowing HTTPRequest) -> Bool {
        guard !access.apiKeys.isEmpty else { return false }
        return isKey(bearer(request))
    }

    /// Whether a text is one of the node's keys.
    func isKey(_ text: String?) -> Bool {
        guard let text else { return false }
        let shown = Array(text.utf8)
        return access.apiKeys.contains { ConstantTime.isEqual(Array($0.utf8), shown) }
    }
}
