import Broker

/// What the machine allows, judged by what the settings want.
struct SystemDiagnosis {
    private(set) var findings: [Finding] = []

    /// Connections that a node should be able to have: a failover brings those of another one.
    static let descriptorsMin = 65_536

    /// Connections that wait when all clients come at once.
    static let backlogMin = 4_096

    /// Connections that a balancer on the same machine can have to one node, which are as many as there are ports for them.
    static let localPortsMin = 16_384

    /// A process that was never asked for pages again; a node in use has none of its memory on disk.
    static let swappedBytesMax = 16 << 20

    /// Judges them; `hasRedis` says whether the Redis of the settings runs on this machine.
    init(_ facts: SystemFacts, _ limits: Limits, hasRedis: Bool = false) {
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
        if let ports = facts.localPortCount, ports < Self.localPortsMin {
            findings.append(
                .warning(
                    "net.ipv4.ip_local_port_range",
                    "a balancer on this machine can have \(ports) connections to a node",
                    cure: "install deploy/sysctl.conf as /etc/sysctl.d/60-perseid.conf"
                )
            )
        }
        judgeMemory(facts, limits)
        judgeSwap(facts)
        if hasRedis, facts.overcommit == 0 {
            findings.append(
                .warning(
                    "vm.overcommit_memory",
                    "Redis may not be able to write its files when it uses half of the memory",
                    cure: "set vm.overcommit_memory = 1 in /etc/sysctl.d, as deploy/sysctl.conf does"
                )
            )
        }
    }

    private mutating func judgeSwap(_ facts: SystemFacts) {
        guard let swapped = facts.swappedBytes, swapped > Self.swappedBytesMax else { return }
        findings.append(
            .warning(
                "swap",
                "\(swapped) bytes of the node here are on disk: whoever needs them waits",
                cure: "give the machine more memory, and set MemorySwapMax=0 in the unit of systemd"
            )
        )
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
