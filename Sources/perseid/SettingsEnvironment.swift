/// Reads a node's settings from variables: `PERSEID_LIMITS_POLL_BYTES_MAX` for `limits.poll-bytes-max`.
enum SettingsEnvironment {
    static let prefix = "PERSEID_"

    /// The variable that names the file.
    static let file = "PERSEID_CONFIG"

    /// What a setting is called here.
    static func name(of setting: String) -> String {
        prefix + setting.uppercased().replacing(/[.-]/, with: "_")
    }

    /// Returns the settings among the variables, in the table's order.
    ///
    /// - Throws: `SettingsErrors` with all variables of our prefix that nobody knows: one of them may have been meant to
    ///   close a node.
    static func read(_ environment: [String: String]) throws(SettingsErrors) -> [SettingValue] {
        var errors: [SettingsError] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix(prefix) && name != file && !isForeign(name, value) && !names.contains(name) {
            let reason = SettingTable.unknownVariable(name)
            errors.append(SettingsError(name: name, source: .environment(name), reason: reason))
        }
        if !errors.isEmpty { throw SettingsErrors(all: errors) }
        return SettingTable.all.compactMap { setting in
            let name = setting.environmentName
            return environment[name].map {
                SettingValue(name: setting.name, source: .environment(name), content: .text($0, isQuoted: false))
            }
        }
    }

    private static let names = Set(SettingTable.all.map(\.environmentName))

    // MARK: Variables of others

    /// Ours, but of other commands: `publish` and `subscribe`, `deploy/run`, `deploy/haproxy.cfg`, the tests.
    private static let foreign: Set<String> = [
        NodeOptions.addressVariable, NodeOptions.keyVariable,
        "PERSEID_PORT", "PERSEID_PORT_A", "PERSEID_PORT_B", "PERSEID_PORT_C", "PERSEID_REDIS_PORT", "PERSEID_BINARY",
        "PERSEID_TLS_PORT", "PERSEID_TLS_BIND", "PERSEID_TLS_PEM", "PERSEID_BIND", "PERSEID_MAXCONN", "PERSEID_NODE_A",
        "PERSEID_NODE_B", "PERSEID_NODE_C",
        "PERSEID_SIMULATION_SEEDS", "PERSEID_SIMULATION_TRACE", "PERSEID_PACKAGE_TEST", "PERSEID_PICTURES",
        "PERSEID_TEST_REDIS_SERVER", "PERSEID_WRITE_REFERENCE", "PERSEID_DEB_TEST", "PERSEID_PREVIOUS",
    ]

    /// What the names of those begin with that `deploy/run` has several of.
    private static let foreignPrefixes = ["PERSEID_REDIS_PORT", "PERSEID_BUS_PORT", "PERSEID_SENTINEL_PORT"]

    /// Whether a variable is known and not for `serve`. Kubernetes tells each container of every service; one named
    /// `perseid` or `perseid-redis` comes as `PERSEID_SERVICE_HOST` or `PERSEID_REDIS_PORT=tcp://…`. Source: "Discovering
    /// services" in its documentation.
    private static func isForeign(_ name: String, _ value: String) -> Bool {
        if foreign.contains(name) || foreignPrefixes.contains(where: { name.hasPrefix($0) }) { return true }
        if name.contains("SERVICE_HOST") || name.contains("SERVICE_PORT") { return true }
        if name.wholeMatch(of: /.*_PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?/) != nil { return true }
        return name.hasSuffix("_PORT") && value.contains("://")
    }
}
