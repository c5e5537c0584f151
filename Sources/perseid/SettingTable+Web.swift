import Edge
import Text

extension SettingTable {
    /// Browsers, other sites, and what stands between them and a node.
    static let web: [Setting] = [
        Setting(
            "allowed-origins",
            usual: "same origin",
            "other sites whose pages may connect and publish; * allows all sites, but without their cookies and certificates",
            take: { value, settings throws(SettingsError) in try settings.takeOrigins(value) },
            show: { $0.edge.allowedOrigins.isEmpty ? "same origin" : $0.edge.allowedOrigins.joined(separator: ",") }
        ),
        Setting(
            "jsonp",
            usual: "false",
            "makes the node answer polls that have callback=… with a script, which pages of every site can read",
            take: { value, settings throws(SettingsError) in settings.edge.answersScripts = try value.flag() },
            show: { "\($0.edge.answersScripts)" }
        ),
        Setting(
            "bayeux",
            usual: "/bayeux",
            "paths at which CometD and Faye clients find Bayeux, such as /cometd,/faye; none switches Bayeux off",
            take: { value, settings throws(SettingsError) in try settings.takeBayeuxPaths(value) },
            show: { $0.edge.bayeuxPaths.isEmpty ? "none" : $0.edge.bayeuxPaths.joined(separator: ",") }
        ),
        Setting(
            "public-origin",
            usual: "none",
            "origins that clients know the nodes by, such as https://push.example.org: their pages may connect, and requests for their hosts are served",
            take: { value, settings throws(SettingsError) in try settings.takePublicOrigins(value) },
            show: { $0.edge.publicOrigins.isEmpty ? "none" : $0.edge.publicOrigins.joined(separator: ",") }
        ),
        Setting(
            "trusted-proxies",
            usual: "none",
            "addresses and networks of the balancers that the node believes when they say which client they connect: 10.0.0.0/8,2001:db8::/32",
            take: { value, settings throws(SettingsError) in try settings.takeTrustedProxies(value) },
            show: {
                $0.edge.trustedProxies.isEmpty
                    ? "none" : $0.edge.trustedProxies.map(\.description).joined(separator: ",")
            }
        ),
        Setting(
            "proxy-protocol",
            usual: "false",
            "trusted proxies begin each connection with a PROXY header, version 1 or 2; the node closes a connection of theirs that has none",
            take: { value, settings throws(SettingsError) in settings.edge.proxyProtocol = try value.flag() },
            show: { "\($0.edge.proxyProtocol)" }
        ),
        Setting(
            "forwarded-field",
            usual: "x-forwarded-for",
            "field in which trusted proxies name the client: x-forwarded-for, forwarded or none. Name the one that they write themselves: they pass on the other as the client made it up",
            take: { value, settings throws(SettingsError) in
                let word = try value.choice(of: ForwardedField.allCases.map(\.rawValue))
                settings.edge.forwardedField = ForwardedField(rawValue: word) ?? settings.edge.forwardedField
            },
            show: { $0.edge.forwardedField.rawValue }
        ),
        Setting(
            "allowed-hosts",
            usual: "none",
            "further host names that requests may be for; * allows all. Addresses and localhost are always allowed",
            take: { value, settings throws(SettingsError) in try settings.takeHosts(value) },
            show: { $0.edge.allowedHosts.isEmpty ? "none" : $0.edge.allowedHosts.joined(separator: ",") }
        ),
    ]
}
