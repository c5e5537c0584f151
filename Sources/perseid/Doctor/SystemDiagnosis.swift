import Broker

/// What the machine allows, judged by what the settings want.
struct SystemDiagnosis {
    private(set) var findings: [Finding] = []

    /// Connections that a node should be able to have: a failover brings those of another one.
    static let descriptorsMin = 65_536

    /// Connections that wait when all clients come at once.
    static let backlogMin = 4_096

    init(_ facts: SystemFacts, _ limits: Limits) {
        if let most = facts.descriptorsMax {
            let whose = facts.isOfNode ? "the node here" : "a process of this user"
            if most < Self.descriptorsMin {
                findings.append(
                    .trouble(
                        "descriptors",
                        "\(whose) may have \(most), and each connection needs one",
                        cure: "set LimitNOFILE=1048576 in the unit of systemd, or ulimit -n"
                    )
                )
            } else {
                findings.append(.fine("descriptors", "\(whose) may have \(most)"))
            }
        }
        if let backlog = facts.backlogMax, backlog < Self.backlogMin {
            findings.append(
                .warning(
                    "net.core.somaxconn",
                    "\(backlog) connections wait to be accepted, more are turned away",
                    cure: "install deploy/sysctl.conf as /etc/sysctl.d/60-perseid.conf"
                )
            )
        }
        if let tracked = facts.trackedConnectionsMax, tracked < Self.descriptorsMin {
            findings.append(
                .warning(
                    "net.netfilter.nf_conntrack_max",
                    "the firewall tracks \(tracked) connections and drops the others",
                    cure: "set it to 1048576, or do not track the node's port"
                )
            )
        }
        judgeMemory(facts, limits)
    }

    private mutating func judgeMemory(_ facts: SystemFacts, _ limits: Limits) {
        guard let memory = facts.memoryBytes else { return }
        if limits.overloadMemoryBytes == 0 {
            findings.append(
                .warning(
                    "memory",
                    "the node takes new clients until the system ends it",
                    cure:
                        "set limits.overload-memory-bytes to three quarters of what it may have: of \(memory) bytes here"
                )
            )
        } else if limits.overloadMemoryBytes >= memory {
            findings.append(
                .trouble(
                    "memory",
                    "limits.overload-memory-bytes is \(limits.overloadMemoryBytes), and there are \(memory)",
                    cure: "set it to three quarters of what the node may have"
                )
            )
        }
    }
}
