import Backplane

extension RedisAddress {
    /// Host and port, as logs and messages name it.
    var place: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The URL for all to see.
    var textWithoutPassword: String {
        let credentials = (user ?? "") + (password == nil ? "" : ":(hidden)")
        return "redis://\(credentials.isEmpty ? "" : "\(credentials)@")\(place)/\(database)"
    }
}
