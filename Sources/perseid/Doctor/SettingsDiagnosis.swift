import Broker
import Edge

/// Settings that are right, and will bite all the same.
struct SettingsDiagnosis {
    private(set) var findings: [Finding] = []

    init(_ settings: Settings) {
        let edge = settings.edge
        if settings.isInsecure, edge.rules.isEmpty, edge.apiKeys.isEmpty {
            findings.append(
                .trouble(
                    "insecure",
                    "whoever reaches the port reads and publishes",
                    cure: "write rules, and api-keys for backends"
                )
            )
        }
        let isBeyondLoopback = edge.host != "localhost" && !edge.host.hasPrefix("127.") && edge.host != "::1"
        if isBeyondLoopback, edge.publicOrigins.isEmpty, edge.allowedHosts.isEmpty {
            findings.append(
                .warning(
                    "public-origin",
                    "clients that come by a name are answered 421",
                    cure: "set it to the address that clients know"
                )
            )
        }
        if settings.redis == nil {
            findings.append(
                .warning(
                    "redis",
                    "history and sessions end with the process",
                    cure: "set redis where that matters, or where there is more than one node"
                )
            )
        }
        if edge.allowedOrigins == ["*"] {
            findings.append(.warning("allowed-origins", "pages of every site may connect", cure: "name the sites"))
        }
        if edge.allowedHosts == ["*"] {
            let why = "a page whose name is made to resolve to the node passes for its own"
            findings.append(.warning("allowed-hosts", why, cure: "name the hosts, or set public-origin"))
        }
    }
}
