import Backplane

extension RedisAddress {
    /// Host and port, as logs and messages name it.
    var place: String {
        if let path { return path }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The URL for all to see.
    var textWithoutPassword: String {
        let credentials = (user ?? "") + (password == nil ? "" : ":(hidden)")
        let name = credentials.isEmpty ? "" : "\(credentials)@"
        if let path { return "unix://\(name)\(path)?db=\(database)" }
        return "\(security == nil ? "redis" : "rediss")://\(name)\(place)/\(database)"
    }
}
