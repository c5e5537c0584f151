internal import Broker
internal import Wire

// What backends show.
extension EdgeReactor {
    /// Whether a request may publish in some channel. Without keys and rules, reaching the port is enough; by rules each channel is
    /// judged by itself.
    func mayPublish(_ credentials: Credentials) -> Bool {
        !access.rules.isEmpty || access.apiKeys.isEmpty || credentials.key?.scopes.contains(.publish) == true
    }

    /// What a request shows in `Authorization: Bearer`.
    func bearer(_ request: borrowing HTTPRequest) -> String? {
        guard let text = request.text(of: .authorization), text.utf8.count > 7,
            text.utf8.prefix(7).elementsEqual("Bearer ".utf8) || text.prefix(7).lowercased() == "bearer "
        else { return nil }
        return String(text.dropFirst(7))
    }

    /// The key that a text is.
    func key(shownAs text: String?) -> APIKey? {
        guard let text, !access.apiKeys.isEmpty else { return nil }
        return access.apiKey(of: SecretHash(of: text))
    }
}
