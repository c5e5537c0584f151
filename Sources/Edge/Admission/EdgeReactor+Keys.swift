internal import Broker
internal import Reactor
internal import Wire

// Who may publish: whoever shows one of the node's keys.
extension EdgeReactor {
    /// Whether a request may publish. Without keys, reaching the port is enough.
    func mayPublish(_ request: borrowing HTTPRequest) -> Bool {
        configuration.apiKeys.isEmpty || showsKey(request)
    }

    /// Whether a request shows one of the node's keys.
    func showsKey(_ request: borrowing HTTPRequest) -> Bool {
        guard !configuration.apiKeys.isEmpty, let text = request.text(of: .authorization) else { return false }
        let scheme = "Bearer "
        guard text.utf8.count > scheme.utf8.count, text.prefix(scheme.count).lowercased() == "bearer " else {
            return false
        }
        return isKey(String(text.dropFirst(scheme.count)))
    }

    /// Whether a text is one of the node's keys.
    func isKey(_ text: String?) -> Bool {
        guard let text else { return false }
        let shown = Array(text.utf8)
        return configuration.apiKeys.contains { ConstantTime.isEqual(Array($0.utf8), shown) }
    }
}
